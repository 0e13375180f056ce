import { error, redirect } from "./kit";
import { course, listCourses, withFilter } from "../../lib/server/courses";
import { sql } from "../../lib/server/db";

export async function load({ url }: { url: URL }) {
  const id = url.searchParams.get("courses");
  if (id !== null) return { course: await course(Number(id)) };
  const courses = await listCourses();
  if (courses.length === 0) throw error(404, "no courses");
  return { courses, long: await withFilter(null, 60) };
}

export const actions = {
  async remove({ request }: { request: Request }) {
    const form = await request.formData();
    const ids = form.getAll("lessons").map(Number);
    await sql`delete from lessons using courses
      where courses.id = lessons.course_id and lessons.id = any(${ids})`;
    throw redirect(303, "/courses");
  },
};

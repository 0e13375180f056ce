import { sql } from "./db";

export interface Course {
  id: number;
  title: string;
  teacher: string | null;
  lessons: number;
}

/** Courses with how many lessons they have. */
export async function listCourses(): Promise<Course[]> {
  return await sql<Course[]>`
    select courses.id, courses.title, teachers.name as teacher, count(lessons.id)::int as lessons
    from courses
    left join teachers on teachers.id = courses.teacher_id
    left join lessons on lessons.course_id = courses.id
    group by courses.id, teachers.id
    order by courses.id`;
}

export async function course(id: number) {
  const [found] = await sql`select * from courses where id = ${id}`;
  if (found === undefined) throw new Error(`There is no course ${id} among the courses`);
  const lessons = await sql`
    select title, minutes from lessons where course_id = ${id} order by position`;
  return { ...found, lessons: lessons.map(({ title, minutes }) => `${title} (${minutes})`) };
}

/** Rows as JSON, in which the name of a table stands for the row. */
export async function asJson() {
  const rows = await sql`
    select to_jsonb(courses) as course, (
      select coalesce(jsonb_agg(lessons.title order by lessons.position), '[]')
      from lessons where lessons.course_id = courses.id
    ) as lessons
    from courses order by id`;
  return rows.map(({ course, lessons }) => ({ title: course.title, lessons }));
}

export async function withFilter(teacher: string | null, longerThan = 0) {
  const ofTeacher = teacher === null ? sql`` : sql`and t.name = ${teacher}`;
  const minutes = sql`(select sum(l.minutes) from lessons l where l.course_id = c.id)`;
  return (await sql`
    select c.title, ${minutes}::int as minutes
    from "courses" c left join public.teachers t on t.id = c.teacher_id
    where ${minutes} > ${longerThan} ${ofTeacher}
    order by c.title`).map(({ title, minutes }) => `${title}: ${minutes}`);
}

/** Not run by the test of this application, since it writes. */
export async function rename(id: number, title: string): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`update courses set title = ${title} where courses.id = ${id}`;
    await tx`insert into audit.events (what) values (${"courses: " + title})`;
    await tx`insert into events (what) values ('renamed')`;
  });
}

export const insertCourse = (course: { title: string; seats: number }) =>
  sql`insert into courses ${sql(course)} returning courses.id`;

export async function addLessons(id: number, titles: string[]): Promise<void> {
  const rows = titles.map((title, index) => ({ course_id: id, title, position: index + 1 }));
  await sql`
    with removed as (delete from lessons where course_id = ${id} returning lessons.title)
    insert into lessons ${sql(rows, "course_id", "title", "position")}`;
}

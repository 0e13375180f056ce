import { readFile } from "node:fs/promises";
import pg from "pg";
import { sql } from "./db";

/** For what is older than postgres.js here. */
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 1 });

export const closeStudents = () => pool.end();

export async function ranking(file: string) {
  const text = await readFile(file, "utf8");
  return await sql.unsafe(text);
}

/** Who is in which course, as text. */
export async function enrolments(): Promise<string[]> {
  const { rows } = await pool.query(
    "select s.name, c.title from enrolments e join students s on s.id = e.student_id " +
      "join courses c on c.id = e.course_id order by s.name, c.title",
  );
  return rows.map(({ name, title }) => `${name}: ${title}`);
}

export async function gradesOf(name: string): Promise<number[]> {
  const query = {
    name: "grades",
    text: `select grades.points from grades
      join students on students.id = grades.student_id
      where students.name = $1 order by grades.lesson_id`,
    values: [name],
  };
  const { rows } = await pool.query(query);
  return rows.map(({ points }) => points);
}

export async function bestOf(lesson: string) {
  const { rows } = await pool.query(
    `select distinct on (lessons.id) students.name, g.points
     from lessons
     join lateral (
       select * from grades where grades.lesson_id = lessons.id order by points desc limit 1
     ) g on true
     join students on students.id = g.student_id
     where lessons.title = $1`,
    [lesson],
  );
  return rows[0] ?? null;
}

/** Students without any grade yet. */
export async function withoutGrades(): Promise<string[]> {
  const rows = await sql`
    select name from students
    where not exists (select from grades where student_id = students.id)
    except
    select students.name from students join grades g on g.student_id = students.id
    order by name`;
  return rows.map(({ name }) => name);
}

export async function setGrade(student: number, lesson: number, points: number): Promise<void> {
  await sql`
    insert into grades as g (student_id, lesson_id, points) values (${student}, ${lesson}, ${points})
    on conflict (student_id, lesson_id) do update set points = excluded.points
    where g.points < excluded.points`;
}

import { pool, sql } from "./db";

const COUNTED = ["courses", "lessons", "students"] as const;

/** How many rows each table has. */
export async function counts(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const table of COUNTED) {
    const [{ count }] = await sql`select count(*)::int as count from ${sql(table)}`;
    found[label(table)] = count;
  }
  return found;
}

const label = (table: string): string => ({
  courses: "Courses",
  trainings: "Courses",
  lessons: "Lessons",
  units: "Lessons",
}[table] ?? table);

export async function history(): Promise<string[]> {
  const rows = await sql`
    select 'audit' as kind, what from audit.events
    union all
    select 'open', events.what from events
    order by kind, what`;
  return rows.map(({ kind, what }) => `${kind}: ${what}`);
}

const MINUTES = `
  select teachers.name, coalesce(sum(lessons.minutes), 0)::int as minutes
  from teachers
    left join courses on courses.teacher_id = teachers.id
    left join lessons on lessons.course_id = courses.id
  group by teachers.name
  order by teachers.name`;

export async function minutesByTeacher() {
  const { rows } = await pool.query(MINUTES);
  return rows;
}

/** The tree of all, by a recursive query that has a CTE with the name of a table. */
export async function outline(): Promise<string[]> {
  const rows = await sql`
    with recursive parts as (
      select 1 as depth, c.id, c.title, array[c.id] as path from courses c
      union all
      select p.depth + 1, l.id, l.title, p.path || l.position
      from parts p join lessons l on p.depth = 1 and l.course_id = p.id
    ), teachers as (select 'CTE' as name)
    select parts.depth, parts.title, teachers.name from parts cross join teachers order by path`;
  return rows.map(({ depth, title, name }) => `${"-".repeat(depth)} ${title} ${name}`);
}

export async function exists(table: "courses" | "teachers"): Promise<boolean> {
  const { rows } = await pool.query("select to_regclass($1) is not null as there", [table]);
  return rows[0].there;
}

/** For people: what the courses cost. Nothing of it is SQL. */
export const NOTE = "Select courses from the list of courses, and update your grades there.";

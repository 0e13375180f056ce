/** Runs what only reads, and prints it, for the test of this application. */
import { asJson, course, withFilter } from "./lib/server/courses";
import { close } from "./lib/server/db";
import { bestOf, closeStudents, enrolments, gradesOf, ranking, withoutGrades } from "./lib/server/students";
import { load } from "./routes/courses/+page.server";
import { GET } from "./routes/reports/+server";

const report = async (of: string) =>
  await (await GET({ url: new URL(`http://x/?of=${of}`) })).json();

console.log(JSON.stringify(
  {
    page: await load({ url: new URL("http://x/") }),
    course: await course(1),
    json: await asJson(),
    filtered: await withFilter("Euler"),
    enrolments: await enrolments(),
    grades: await gradesOf("Synesius"),
    best: await bestOf("Bridges"),
    none: await withoutGrades(),
    ranking: await ranking("sql/ranking.sql"),
    reports: {
      counts: await report("counts"),
      history: await report("history"),
      outline: await report("lessons"),
      minutes: await report("teachers"),
    },
  },
  null,
  1,
));
await closeStudents();
await close();

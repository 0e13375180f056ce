import { counts, history, minutesByTeacher, outline } from "../../lib/server/reports";

const READERS = { counts, history, lessons: outline, teachers: minutesByTeacher };

export async function GET({ url }: { url: URL }): Promise<Response> {
  const name = url.searchParams.get("of") ?? "counts";
  if (!(name in READERS)) return new Response(`no report "${name}"`, { status: 404 });
  return Response.json(await READERS[name as keyof typeof READERS]());
}

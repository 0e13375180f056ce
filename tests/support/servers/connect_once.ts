/** Connects as the functions do to the URL in the environment, and reports how that went. For other Denos. */
import { Connection } from "../../../shared/postgres/connection/connection.ts";
import { toProblem } from "../../../shared/postgres/database_problems.ts";

/** Larger than any buffer on the way. */
const LARGE = 3_000_000;

export interface Outcome {
  encrypted?: boolean;
  length?: number;
  code?: string;
  detail?: string;
  hint?: string;
}

export async function connectOnce(url: string): Promise<Outcome> {
  try {
    const connection = await Connection.open(url);
    try {
      const [[{ ssl, large }]] = await connection.run(
        `select s.ssl, repeat('x', ${LARGE}) as large from pg_stat_ssl s where s.pid = pg_backend_pid()`,
      );
      const [, [{ sent }]] = await connection.run(
        `select 1; select length('${"y".repeat(LARGE)}') as sent`,
      );
      return { encrypted: Boolean(ssl), length: String(large).length + Number(sent) };
    } finally {
      await connection.end();
    }
  } catch (error) {
    const { code, message, hint } = toProblem(error);
    return { code, detail: message, hint };
  }
}

if (import.meta.main) {
  const urls: string[] = JSON.parse(Deno.env.get("URLS") ?? "[]");
  console.log(JSON.stringify(await Promise.all(urls.map(connectOnce))));
}

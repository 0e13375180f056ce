/** An application that keeps using the old names while its tables are renamed. */
import postgres from "postgres";

interface ApplicationReport {
  statements: number;
  errors: string[];
  /** Longest time that one statement took, in milliseconds. */
  longestMs: number;
}

/** Starts `clients` clients that read and write through the old names, one statement after the other. */
export function startApplication(
  databaseUrl: string,
  clients = 4,
): { stop(): Promise<ApplicationReport> } {
  const sql = postgres(databaseUrl, { max: clients, onnotice: () => {} });
  const report: ApplicationReport = { statements: 0, errors: [], longestMs: 0 };
  let stopping = false;
  const client = async (number: number) => {
    for (let round = 0; !stopping; round++) {
      const started = performance.now();
      try {
        await statement(sql, number, round);
        report.statements++;
      } catch (error) {
        report.errors.push(error instanceof Error ? error.message : String(error));
      }
      report.longestMs = Math.max(report.longestMs, performance.now() - started);
    }
  };
  const running = Array.from({ length: clients }, (_, number) => client(number));
  return {
    async stop() {
      stopping = true;
      await Promise.all(running);
      await sql.end();
      return report;
    },
  };
}

function statement(sql: postgres.Sql, client: number, round: number): Promise<unknown> {
  const customer = `cus_${(client * 100 + round) % 500 + 1}`;
  switch (round % 4) {
    case 0:
      return sql`select name, email from stripe.customers where id = ${customer}`;
    case 1:
      return sql`
        select c.id, count(s.id) from stripe.customers c
        left join stripe.subscriptions s on s.customer = c.id
        where c.id = ${customer} group by c.id`;
    case 2:
      return sql`
        insert into stripe.customers (id, object, name) values (${customer}, 'customer', 'new')
        on conflict (id) do update set balance = coalesce(stripe.customers.balance, 0) + 1
        returning id`;
    default:
      return sql`update public.experts set rating = 4.5 where name = 'Bob' returning id`;
  }
}

import postgres from "postgres";

const sql = postgres({ max: 1 });

export interface Earnings {
  expert: string;
  minutes: number;
  cents: number;
}

/** What each expert earned since a day. */
export async function earnings(since: string): Promise<Earnings[]> {
  return await sql<Earnings[]>`
    select experts.name as expert,
           sum(bookings.minutes)::int as minutes,
           coalesce(sum(i.cents), 0)::int as cents
    from experts
    join bookings on bookings.expert_id = experts.id
    left join billing.invoices i on i.booking_id = bookings.id
    where bookings.starts_at >= ${since}
    group by experts.id, experts.name
    order by cents desc`;
}

/** Whole rows as JSON, for an export. */
export async function exported(): Promise<{ row: unknown }[]> {
  return await sql<{ row: unknown }[]>`select row_to_json(experts) as row from experts`;
}

/** The busiest experts, who are few. */
export async function busiest(limit: number): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    with busy as (
      select expert_id, count(*) as visits from bookings group by expert_id
    )
    select e.name from experts e join busy on busy.expert_id = e.id
    order by busy.visits desc limit ${limit}`;
  return rows.map(({ name }) => name);
}

export async function forget(email: string): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`delete from bookings using customers
      where customers.id = bookings.customer_id and customers.email = ${email}`;
    await tx`delete from customers where email = ${email}`;
  });
}

export async function archive(): Promise<void> {
  await sql.unsafe(
    "insert into archive.bookings select * from public.bookings where status = 'done'",
  );
}

/**
 * What the clients of the soak do, one round each. They use what works through a compatibility view;
 * what does not (README, "What a compatibility view cannot do") is no error of a rename.
 */
import type postgres from "postgres";
import { EXPERTS } from "./schema.ts";

/** Runs one statement, whose time is taken. */
export type Timed = <T>(statement: () => PromiseLike<T>) => Promise<T>;

export interface LoadClient {
  name: string;
  /** How its statements are sent. Where named ones do not work, they are sent unnamed. */
  protocol: "simple" | "extended" | "named";
  /** Whether it uses the new names, which are there only while the tables are renamed. */
  newNames?: boolean;
  /** Time between two rounds, in milliseconds. Default: 2. */
  pauseMs?: number;
  round(sql: postgres.Sql, timed: Timed): Promise<void>;
}

/** The client that touches no renamed table: its longest wait is the machine's own. */
export const CONTROL = "control (another table)";

const someone = () => 1 + Math.floor(Math.random() * EXPERTS);

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(`a wrong answer: ${what}`);
}

const reads = (table: string) => async (sql: postgres.Sql, timed: Timed) => {
  const id = someone();
  const rows = await timed(() =>
    sql.unsafe(`select id::int, name from ${table} where id = ${id}`).simple()
  );
  expect(rows.length === 1 && rows[0].id === id, `${table} ${id}`);
};

const upserts = (table: string, email: string) => async (sql: postgres.Sql, timed: Timed) => {
  const [row] = await timed(() =>
    sql.unsafe(
      `insert into ${table} (email, name) values ($1, $2)
       on conflict (email) do update set hits = ${table}.hits + 1 returning listed`,
      [email, "upserted"],
    )
  );
  expect(row.listed === true, "the default of listed");
};

export const CLIENTS: LoadClient[] = [
  { name: "reads, simple", protocol: "simple", round: reads("experts") },
  { name: "upserts, extended", protocol: "extended", round: upserts("experts", "old@example.org") },
  {
    name: "reads and writes, named",
    protocol: "named",
    async round(sql, timed) {
      const id = someone();
      const [row] = await timed(() => sql`select name, hits from experts where id = ${id}`);
      await timed(() =>
        sql`update experts set name = ${row.name}, listed = listed where id = ${id}`
      );
    },
  },
  {
    name: "transactions",
    protocol: "named",
    async round(sql, timed) {
      await sql.begin(async (tx) => {
        const id = someone();
        const [expert] = await timed(() =>
          tx`select id, hits from experts where id = ${id} for no key update`
        );
        await timed(() => tx`update experts set hits = hits + 1 where id = ${id}`);
        await timed(() => tx`insert into bookings (expert_id, note) values (${id}, 'tx')`);
        const [after] = await timed(() => tx`select hits from experts where id = ${id}`);
        expect(after.hits === expert.hits + 1, "its own write");
      });
    },
  },
  {
    name: "foreign keys",
    protocol: "extended",
    async round(sql, timed) {
      const [{ id }] = await timed(() =>
        sql.unsafe(
          "insert into bookings (expert_id, document_type) values ($1, 2) returning id",
          [someone()],
        )
      );
      const gone = await timed(() => sql.unsafe("delete from bookings where id = $1", [id]));
      expect(gone.count === 1, "the booking just made");
    },
  },
  {
    name: "plpgsql",
    protocol: "named",
    async round(sql, timed) {
      const [{ hits }] = await timed(() => sql`select touch_expert(${someone()}) as hits`);
      expect(hits > 0, "touch_expert");
    },
  },
  {
    name: "anon, row-level security",
    protocol: "extended",
    async round(sql, timed) {
      await sql.begin(async (tx) => {
        await tx`set local role anon`;
        const rows = await timed(() =>
          tx`select e.id::int as id, count(b.id) from experts e left join bookings b on b.expert_id = e.id
             where e.id in (51, 52) group by e.id`
        );
        expect(rows.length === 1 && rows[0].id === 52, "only listed experts are seen");
      });
    },
  },
  {
    name: "joins, slow",
    protocol: "named",
    pauseMs: 100,
    async round(sql, timed) {
      const [{ label }] = await sql.begin(async (tx) => {
        const rows = await timed(() =>
          tx`select d.label from bookings b join experts e on e.id = b.expert_id
             join document_types d on d.id = b.document_type
             where e.id = ${someone()} and b.note = 'first'`
        );
        await tx`select pg_sleep(0.03)`;
        return rows;
      });
      expect(label === "invoice", "the label");
    },
  },
  {
    name: "reads, new name, simple",
    protocol: "simple",
    newNames: true,
    round: reads("expert_profiles"),
  },
  {
    name: "upserts, new name, named",
    protocol: "named",
    newNames: true,
    round: upserts("expert_profiles", "new@example.org"),
  },
  {
    name: CONTROL,
    protocol: "named",
    async round(sql, timed) {
      await timed(() => sql`update control set value = value + 1 where id = 1`);
    },
  },
];

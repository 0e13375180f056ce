/** Code over every table and every foreign key of the stripe-sync-engine's schema. */
import type postgres from "postgres";

export interface ForeignKey {
  name: string;
  from: string;
  to: string;
}

/** References that Stripe's objects have and the engine does not declare: column by column, to which table. */
const IMPLIED = [
  ["charges", "customer", "customers"],
  ["charges", "invoice", "invoices"],
  ["charges", "payment_intent", "payment_intents"],
  ["invoices", "customer", "customers"],
  ["payment_intents", "customer", "customers"],
  ["prices", "product", "products"],
  ["subscriptions", "customer", "customers"],
  ["subscriptions", "latest_invoice", "invoices"],
];

/** Declares some of the references that the engine leaves out, so that there is something to join by. */
export async function declareImpliedForeignKeys(sql: postgres.Sql): Promise<void> {
  for (const [table, column, to] of IMPLIED) {
    await sql`alter table ${sql(`stripe.${table}`)}
      add foreign key (${sql(column)}) references ${sql(`stripe.${to}`)} not valid`;
  }
}

/** The foreign keys within the schema stripe. */
export async function stripeForeignKeys(sql: postgres.Sql): Promise<ForeignKey[]> {
  return await sql<ForeignKey[]>`
    select c.conname as name, f.relname as "from", t.relname as "to"
    from pg_constraint c join pg_class f on f.oid = c.conrelid join pg_class t on t.oid = c.confrelid
    where c.contype = 'f' and c.connamespace = 'stripe'::regnamespace order by 1`;
}

/** Name of the function for the table at this place of the list. */
export const functionFor = (index: number) => `use_${index}`;

/**
 * A module with a function for each table that reads, writes and joins it, and gives what it read.
 *
 * @param mistakes Whether to assign to a `null`, to leave columns out and to name some that are not there:
 * the compiler has to say so.
 */
export function stripeCode(
  tables: string[],
  keys: ForeignKey[],
  types: string,
  mistakes = true,
): string {
  const functions = tables.map((table, index) => {
    const name = `{ schema: "stripe" }, ${JSON.stringify(table)}`;
    const from = `client.schema("stripe").from(${JSON.stringify(table)})`;
    const joins = keys.filter(({ from, to }) => from === table || to === table)
      .flatMap(({ name, from, to }) => {
        const other = from === table ? to : from;
        return [
          `id, one:${other}(*)`,
          `two:${other}!${name}(*)`,
          `three:${other}!${name}(four:${table}!${name}(*))`,
        ];
      });
    return `
export async function ${functionFor(index)}(client: Client) {
  const row = (await ${from}.select("*").single().throwOnError()).data;
  const same: Tables<${name}> = row;
  await ${from}.upsert([row as TablesInsert<${name}>]);
  await ${from}.update({ ...row as TablesUpdate<${name}> });
  const joins = [
${
      joins.map((join) =>
        `    (await ${from}.select(${JSON.stringify(join)}).single().throwOnError()).data,\n`
      ).join("")
    }  ] as const;
${mistakes ? mistakesWith(from) : ""}\
  return { same, row, joins, insert: {} as TablesInsert<${name}>, update: {} as TablesUpdate<${name}> };
}
`;
  });
  return `import type { SupabaseClient } from "@supabase/supabase-js";
import type { Database, Tables, TablesInsert, TablesUpdate } from ${JSON.stringify(types)};

type Client = SupabaseClient<Database>;
${functions.join("")}`;
}

const mistakesWith = (from: string) => `
  const wrong: null = row;
  await ${from}.insert({});
  await ${from}.update({ no_such_column: 1 });
  const missing: null = (await ${from}.select("no_such_column").single().throwOnError()).data;
  const joined: null = joins;
  void [wrong, missing, joined];
`;

/** A module that compiles only where the functions of two modules give exactly the same types. */
export function sameAnswers(tables: string[], one: string, other: string): string {
  return `import type * as One from ${JSON.stringify(one)};
import type * as Other from ${JSON.stringify(other)};

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
type Answer<Use extends (...args: never) => unknown> = Awaited<ReturnType<Use>>;
${
    tables.map((_, index) =>
      `export const same_${index}: Equal<Answer<typeof One.${
        functionFor(index)
      }>, Answer<typeof Other.${functionFor(index)}>> = true;\n`
    ).join("")
  }`;
}

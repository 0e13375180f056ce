/** Renaming to and fro through a proxy that cuts, and looking at the database after each cut. */
import { assert, assertEquals } from "@std/assert";
import { assertRecordAgrees, catalogState, outcomesOf } from "../catalog/catalog_state.ts";
import {
  type CuttingProxy,
  type ProxyMessage,
  startCuttingProxy,
  type Verdict,
} from "./cutting_proxy.ts";
import type { TestDatabase } from "./database.ts";
import { type Functions, functionsFor } from "../http/functions.ts";
import { type Answer, post } from "../http/requests.ts";

export type Operation = "rename" | "rollback";

/** A table with everything that a rename has to carry over to the view. */
const EXPERTS = `
  create table experts (id int primary key generated always as identity, name text default 'x');
  comment on table experts is 'people';
  comment on column experts.name is 'as they sign';
  revoke all on experts from anon;
  grant select, insert on experts to anon;
  alter table experts enable row level security;
  insert into experts (name) values ('a'), ('b')`;

/** Renames and rolls back by turns. Each call looks whether database, record and answer agree. */
export class ToAndFro {
  #renamed = false;
  #migrationId = "";
  #states: string[] = [];

  private constructor(
    readonly db: TestDatabase,
    readonly functions: Functions,
  ) {}

  /** Makes the table in `db`, and does one round to know what it looks like on both ends. */
  static async prepare(db: TestDatabase, functions: Functions): Promise<ToAndFro> {
    await db.sql.unsafe(EXPERTS).simple();
    const made = new ToAndFro(db, functions);
    made.#states.push(await catalogState(db.sql));
    const { status, body } = await made.#send("rename");
    assertEquals(status, 200, JSON.stringify(body));
    made.#migrationId = body.migrations[0].id;
    made.#states.push(await catalogState(db.sql));
    await made.#send("rollback");
    assertEquals(await catalogState(db.sql), made.#states[0]);
    return made;
  }

  get renamed(): boolean {
    return this.#renamed;
  }

  /** The operation whose turn it is. */
  get next(): Operation {
    return this.#renamed ? "rollback" : "rename";
  }

  /** Sends the next operation, whatever may come in between; it may fail, but not lie. */
  async attempt(options: Record<string, unknown> = {}): Promise<Answer> {
    return await this.#judge(this.next, await this.#send(this.next, options));
  }

  /** As `attempt`, while `work` runs. What came of it is looked at after both: a server that crashes does not answer before. */
  async attemptDuring(work: () => Promise<void>): Promise<Answer> {
    const operation = this.next;
    const [answer] = await Promise.all([this.#send(operation), work()]);
    return await this.#judge(operation, answer);
  }

  /** Sends an operation again after `attempt`: it succeeds, or says that it was done before. */
  async secondTry(operation: Operation): Promise<void> {
    const done = this.next !== operation;
    const { body } = await this.#judge(operation, await this.#send(operation));
    const refusal = operation === "rename" ? "already_renamed" : "not_active";
    assertEquals(body.code, done ? refusal : undefined, JSON.stringify(body));
  }

  /** Looks what the database is now, and that it is one thing wholly. */
  async look(): Promise<void> {
    const state = await catalogState(this.db.sql);
    assert(this.#states.includes(state), `neither before nor after:\n${state}`);
    this.#renamed = state === this.#states[1];
    await assertRecordAgrees(this.db.sql, this.#renamed ? 1 : 0);
    if (!this.#renamed) return;
    const [{ id }] = await this.db.sql`select id from sys_table_migrations where status = 'active'`;
    this.#migrationId = id;
  }

  async #judge(operation: Operation, answer: Answer): Promise<Answer> {
    const before = this.#renamed;
    await this.look();
    const applied = this.#renamed !== before;
    const said = JSON.stringify(answer.body);
    assertEquals(answer.status === 200, applied, `a false answer to ${operation}: ${said}`);
    const outcomes = await outcomesOf(this.db.sql, answer.requestId);
    assertEquals(outcomes.filter((outcome) => outcome === "succeeded").length, applied ? 1 : 0);
    assert(outcomes.length <= 1, `one request, several outcomes: ${outcomes}`);
    if (applied) {
      const status = operation === "rename" ? "active" : "rolled_back";
      assertEquals(answer.body.migrations[0]?.status, status, said);
      assert(answer.body.lock?.attempts >= 1 && answer.body.lock.held_ms > 0, said);
    }
    return answer;
  }

  #send(operation: Operation, options: Record<string, unknown> = {}): Promise<Answer> {
    return operation === "rename"
      ? post(this.functions, "rename", {
        old_name: "experts",
        new_name: "expert_profiles",
        ...options,
      })
      : post(this.functions, "rollback", { migration_id: this.#migrationId, ...options });
  }
}

/** Operations through a proxy of their own. */
export interface Proxied extends AsyncDisposable {
  proxy: CuttingProxy;
  functions: Functions;
  operations: ToAndFro;
}

/** Leads the function's connections to `db` through a proxy. */
export async function proxied(db: TestDatabase): Promise<Proxied> {
  const proxy = startCuttingProxy(Number(new URL(db.url).port));
  const functions = functionsFor(proxy.through(db.url));
  return {
    proxy,
    functions,
    operations: await ToAndFro.prepare(db, functions),
    async [Symbol.asyncDispose]() {
      await functions[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

/** A judge that breaks one connection, at the first message that `hits`. */
export function cutOnce(
  verdict: Verdict,
  hits: (message: ProxyMessage) => boolean,
): CuttingProxy["judge"] {
  let done = false;
  return (message) => {
    if (done || !hits(message)) return "forward";
    done = true;
    return verdict;
  };
}

/** Whether it is the critical section: the message that takes the locks and ends with COMMIT. */
export const isCriticalSection = ({ from, type, text }: ProxyMessage): boolean =>
  from === "client" && type === "Q" && text.includes("table_rename.granted_ms") &&
  /;\ncommit\0?$/.test(text);

/**
 * Finds what comes on the critical section's connection once it is sent; what looks for blockers meanwhile has
 * a connection of its own, whose messages may come between.
 */
export function afterCriticalSection(): (message: ProxyMessage) => boolean {
  let asking: number | null = null;
  return (message) => {
    if (isCriticalSection(message)) {
      asking = message.connection;
      return false;
    }
    return asking !== null && message.connection === asking;
  };
}

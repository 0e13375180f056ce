/** What the trials of verify need beside the facts of the table: roles, keys, side effects. */

/** The roles that the Data API takes on; they are tried whether or not they were granted anything. */
export const API_ROLES = ["anon", "authenticated", "service_role"];

export interface VerifyFacts {
  /** The login of the session in which statements are tried. */
  user: string;
  /** Whether that is a login without rights of its own, so that code which it runs gains none. */
  separate: boolean;
  /** The table's owner, the grantees of table and view, the roles of policies, and those asked for. */
  roles: RoleFacts[];
  columns: ColumnTypeFacts[];
  keys: KeyFacts[];
  indexed: string[];
  /** Columns that policies or checks look at, so that not every value will do. */
  watched: string[];
  /** Columns that decide which partition a row is in, here or further down. */
  partition_columns: string[];
  foreign_keys: ForeignKeyFacts[];
  /** What a statement would run whose effect a rollback may not take back. */
  side_effects: SideEffectFacts[];
  /** Code that a statement, or planning it, would run and that must not run with the session's rights. */
  untrusted: UntrustedFacts[];
}

export interface RoleFacts {
  name: string;
  settable: boolean;
  /** Columns of the table that it may read, insert into, update. */
  select: string[];
  insert: string[];
  update: string[];
}

/** A column's type, domains resolved to the type that they are based on. */
export interface ColumnTypeFacts {
  name: string;
  /** Name of the base type in pg_catalog; null for types of others. */
  base: string | null;
  category: string;
  /** `pg_type.typtype` of the base type: base, composite, enum, range and so on. */
  kind: string;
  /** Type modifier, the domain's own where it has one; -1: none. */
  typmod: number;
  label: string | null;
}

export interface KeyFacts {
  name: string;
  primary: boolean;
  exclusion: boolean;
  /** False where it is checked late, so that ON CONFLICT cannot use it. */
  immediate: boolean;
  partial: boolean;
  /** Key columns; null for an expression. */
  columns: (string | null)[];
  /** Every column that it depends on, those of expressions and of the predicate too. */
  depends_on: string[];
}

export interface ForeignKeyFacts {
  name: string;
  direction: "out" | "in" | "self";
  schema: string;
  table: string;
  /** Columns of the table that is verified, and those of its neighbour, pairwise. */
  columns: string[];
  neighbour_columns: string[];
  /** Whether deleting or updating a row here changes rows of the neighbour. */
  cascades: boolean;
}

export interface SideEffectFacts {
  /** `trigger experts_hook on public.experts`, `policy readers on public.experts`. */
  object: string;
  /** Whether reading runs it: a policy. */
  on_read: boolean;
  /**
   * `sends`: outside the transaction; `notifies`: a NOTIFY, which is sent with a commit only; `leaves`: out of
   * the role, back to the session's login.
   */
  kind: "sends" | "notifies" | "leaves";
  routine: string;
}

interface UntrustedFacts {
  /** `function public.checked(text)`, `operator public.===(text,integer)`. */
  object: string;
  owner: string;
}

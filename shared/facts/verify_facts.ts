/** What verify needs to know beside the facts of the table: who may use it, its keys, what its code can reach. */

/** The roles that the Data API takes on; they are tried whether or not they were granted anything. */
export const API_ROLES = ["anon", "authenticated", "service_role"];

export interface VerifyFacts {
  /** The login of the session in which things are tried. */
  user: string;
  /** Whether that is a login without rights of its own, which has nothing to give to what it runs. */
  separate: boolean;
  /** The table's owner, the grantees of table and view, those whom policies name, and whoever was asked for. */
  roles: RoleFacts[];
  columns: ColumnTypeFacts[];
  keys: KeyFacts[];
  /** Columns that an index begins with. */
  indexed: string[];
  /** Columns that policies or checks look at, so that not every value will do. */
  watched: string[];
  /** Columns that decide which partition a row is in, here or further down. */
  partition_columns: string[];
  foreign_keys: ForeignKeyFacts[];
  /** What a statement would run that could have an effect which no rollback takes back. */
  sideEffects: SideEffectFacts[];
  /** What a statement would run, or planning it, of whom the session's rights must not be lent to. */
  untrusted: UntrustedFacts[];
}

export interface RoleFacts {
  name: string;
  /** Whether the session's role may become it. */
  settable: boolean;
  /** Columns of the table that it may read, insert into, update. */
  select: string[];
  insert: string[];
  update: string[];
}

/** A column's type, looked up through domains to the type that they stand on. */
export interface ColumnTypeFacts {
  name: string;
  /** Name of the base type in pg_catalog; null for types of others. */
  base: string | null;
  /** `pg_type.typcategory` of the base type. */
  category: string;
  /** `pg_type.typtype` of the base type: base, composite, enum, range and so on. */
  kind: string;
  /** Type modifier, the domain's own where it has one; -1: none. */
  typmod: number;
  /** First label of an enum type. */
  label: string | null;
}

/** A unique or exclusion index. */
export interface KeyFacts {
  name: string;
  primary: boolean;
  exclusion: boolean;
  /** False where it is checked late, so that ON CONFLICT cannot use it. */
  immediate: boolean;
  partial: boolean;
  nulls_not_distinct: boolean;
  /** Key columns; null for an expression. */
  columns: (string | null)[];
  /** Every column that it depends on, those of expressions and of the predicate too. */
  depends_on: string[];
}

export interface ForeignKeyFacts {
  name: string;
  direction: "out" | "in" | "self";
  /** The table at the other end. */
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
  /** The function that it comes down to. */
  routine: string;
}

/** Code, by who owns it. */
export interface UntrustedFacts {
  /** `function public.checked(text)`, `operator public.===(text,integer)`. */
  object: string;
  owner: string;
}

/** What each `pg_class.relkind` is called, and what to do instead of a rename where it is no table. */

export type RelationKind = "r" | "p" | "v" | "m" | "f" | "i" | "I" | "S" | "c" | "t";

interface KindOfRelation {
  what: string;
  /** Set where a rename is refused: the next step for the caller. */
  instead?: string;
}

export const RELATION_KINDS: Record<RelationKind, KindOfRelation> = {
  r: { what: "a table" },
  p: { what: "a partitioned table" },
  v: {
    what: "a view",
    instead: "Rename a view with ALTER VIEW; this tool makes compatibility views for tables only.",
  },
  m: { what: "a materialized view", instead: "Rename it with ALTER MATERIALIZED VIEW." },
  f: {
    what: "a foreign table",
    instead: "Rename it with ALTER FOREIGN TABLE; its wrapper may depend on the name.",
  },
  i: { what: "an index", instead: "Rename it with ALTER INDEX." },
  I: { what: "a partitioned index", instead: "Rename it with ALTER INDEX." },
  S: {
    what: "a sequence",
    instead: "Rename it with ALTER SEQUENCE; sequences have no compatibility object.",
  },
  c: { what: "a composite type", instead: "Rename it with ALTER TYPE." },
  t: { what: "a TOAST table", instead: "Rename the table that it belongs to." },
};

/** A kind of type with its article: `a domain`, `an enum type`. */
export const typeKind = (kind: string) => `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;

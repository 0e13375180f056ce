/** Where the columns of a view come from, read from its query as the server stores it. */

export interface ShownColumn {
  /** Number of the view's column. */
  number: number;
  /** OID of the relation and number of the column that it shows; 0 where it is computed. */
  relation: number;
  column: number;
}

/**
 * The columns of a view: the entries of the outermost target list of a node tree (`pg_rewrite.ev_action`), as the
 * parser has marked their origin. Within braces and parentheses stand nested nodes; a backslash escapes what
 * follows it, in names too.
 */
export function shownColumns(query: string): ShownColumn[] {
  const shown: ShownColumn[] = [];
  /** The target list is in a query in a list; an entry's fields are one list and one node further in. */
  const QUERY = 2;
  const ENTRY = QUERY + 2;
  let depth = 0;
  let inTargets = false;
  let entry: Record<string, number> = {};
  for (let at = 0; at < query.length; at++) {
    const character = query[at];
    if (character === "\\") at++;
    else if (character === "(" || character === "{") {
      depth++;
      if (inTargets && depth === ENTRY) entry = {};
    } else if (character === ")" || character === "}") {
      if (inTargets && depth === ENTRY && !entry.resjunk) {
        shown.push({ number: entry.resno, relation: entry.resorigtbl, column: entry.resorigcol });
      }
      depth--;
    } else if (character === ":" && query[at - 1] === " ") {
      if (depth === QUERY) inTargets = query.startsWith(":targetList ", at);
      else if (inTargets && depth === ENTRY) {
        FIELD.lastIndex = at;
        const [, name, value] = FIELD.exec(query) ?? [];
        if (name !== undefined) entry[name] = value === "true" ? 1 : Number(value) || 0;
      }
    }
  }
  return shown;
}

const FIELD = /:(resno|resorigtbl|resorigcol|resjunk) (\w+)/y;

/** The same through the views among `queries` (by OID): columns of tables, as `relation.column`. */
export function shownOfTables(view: number, queries: Map<number, string>): Set<string> {
  const read = new Map<number, ShownColumn[]>();
  const columnsOf = (oid: number) => {
    if (!read.has(oid)) read.set(oid, shownColumns(queries.get(oid)!));
    return read.get(oid)!;
  };
  const origins = new Set<string>();
  const follow = (oid: number, number: number | null, path: number[]): void => {
    for (const one of columnsOf(oid)) {
      if (number !== null && one.number !== number) continue;
      if (!queries.has(one.relation)) origins.add(`${one.relation}.${one.column}`);
      else if (!path.includes(one.relation)) {
        follow(one.relation, one.column, [...path, one.relation]);
      }
    }
  };
  follow(view, null, [view]);
  return origins;
}

/**
 * GROUP BY the primary key: a table's other columns depend on it and need not be grouped (manual, 7.2.3). For the
 * columns of a view that does not hold.
 */
import {
  areWords,
  commaSeparated,
  type Group,
  isGroup,
  isIdentifier,
  isMark,
  isOperator,
  isWord,
  nameAt,
  type Node,
  onlyName,
} from "../parser/nodes.ts";
import type { Scope, VisibleRelation } from "../parser/scope.ts";
import { type Clauses, clausesOf, isQuery, withoutLabel } from "../parser/query_syntax.ts";
import type { IndexedTable } from "../parser/table_index.ts";
import { readFrom } from "./from_clause.ts";

/** Aggregates of the server and of common extensions. Others are recognized by how they are called. */
const AGGREGATES = new Set(
  `any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist
  dense_rank every grouping max min mode percent_rank percentile_cont percentile_disc rank regr_avgx regr_avgy
  regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp sum
  var_pop var_samp variance json_arrayagg json_objectagg st_union st_collect st_extent st_makeline`
    .split(/\s+/),
);

/** Notes each table of which a column is used that is not grouped, but depends on the primary key. */
export function readGrouping(clauses: Clauses, scope: Scope): void {
  if (!isWord(clauses.group?.[0], "by")) return;
  const items = commaSeparated(clauses.list).map(itemOf);
  for (const relation of scope.relations) {
    const { table, certain } = relation;
    if (table?.primaryKey == null) continue;
    const grouped = clauses.group!.slice(1);
    const grouping = new Grouping({ ...relation, table }, grouped, items, scope);
    if (!table.primaryKey.every((column) => grouping.plain.has(column))) continue;
    const dependent = grouping.dependentColumn(items, clauses);
    if (dependent === null) continue;
    scope.note([{ table, certain }], dependent.at, "group_by_primary_key", dependent.column);
  }
}

interface Item {
  nodes: Node[];
  label: string | null;
}

function itemOf(item: Node[]): Item {
  const first = isWord(item[0], "distinct", "all") ? 1 : 0;
  const on = isWord(item[0], "distinct") && isWord(item[1], "on") && isGroup(item[2]);
  const whole = item.slice(on ? 3 : first);
  const last = whole.at(-1);
  return { nodes: withoutLabel(whole), label: isIdentifier(last) ? last.value : null };
}

interface ColumnUse {
  column: string;
  at: number;
}

class Grouping {
  /** Columns grouped by themselves, on which others can depend. */
  readonly plain = new Set<string>();
  /** All grouped columns, also those of ROLLUP, CUBE and GROUPING SETS. */
  private readonly columns = new Set<string>();
  /** Grouped expressions, as their tokens. */
  private readonly expressions: string[][] = [];

  constructor(
    private readonly relation: VisibleRelation & { table: IndexedTable },
    grouped: Node[],
    items: Item[],
    private readonly scope: Scope,
  ) {
    for (const nodes of commaSeparated(grouped)) this.add(nodes, items, true);
  }

  private add(nodes: Node[], items: Item[], plain: boolean): void {
    const [first] = nodes;
    if (isWord(first, "distinct", "all")) return this.add(nodes.slice(1), items, plain);
    const sets = nodes.find(isGroup);
    if (isWord(first, "rollup", "cube", "grouping") && sets) {
      for (const set of commaSeparated(sets.nodes)) this.add(set, items, false);
      return;
    }
    if (nodes.length === 1 && isGroup(first)) {
      for (const inside of commaSeparated(first.nodes)) this.add(inside, items, plain);
      return;
    }
    const column = this.columnOf(nodes);
    if (column !== null) {
      this.columns.add(column);
      if (plain) this.plain.add(column);
      return;
    }
    const only = nodes.length === 1 ? first : undefined;
    const item = only?.kind === "number"
      ? items[Number(only.value) - 1]
      : isIdentifier(only)
      ? items.find(({ label }) => label === only.value)
      : undefined;
    if (item === undefined) this.expressions.push(this.tokensOf(nodes));
    // A position or a label stands for the item.
    else if (item.nodes !== nodes && item.nodes.length > 0) this.add(item.nodes, [], plain);
  }

  /** The relation's column that is the whole of the nodes, or null. */
  private columnOf(nodes: Node[]): string | null {
    const name = onlyName(nodes);
    if (name === null || !this.relation.table.columns.has(name.last)) return null;
    const { parts, last } = name;
    return (parts.length === 1 ? this.isOurs(last) : this.isQualified(parts)) ? last : null;
  }

  private isQualified(parts: string[]): boolean {
    return parts.at(-2) === this.relation.name &&
      (parts.length === 2 || parts[0] === this.relation.table.schema);
  }

  /** The first column that is used outside aggregates without being grouped. */
  dependentColumn(items: Item[], { having, order }: Clauses): ColumnUse | null {
    const labels = new Set(items.map(({ label }) => label));
    // A name by itself means the item with that label rather than the column.
    const isLabel = ([first, second]: Node[]) =>
      isIdentifier(first) && labels.has(first.value) && !isMark(second, ".") && !isGroup(second);
    const sorted = commaSeparated(order?.slice(1) ?? []).filter((nodes) => !isLabel(nodes));
    for (const nodes of [...items.map((item) => item.nodes), having ?? [], ...sorted]) {
      const found = this.find(nodes, false);
      if (found) return found;
    }
    return null;
  }

  private find(nodes: Node[], inQuery: boolean): ColumnUse | null {
    for (let i = 0; i < nodes.length;) {
      const length = this.expressionAt(nodes, i);
      if (length > 0) {
        i += length;
        continue;
      }
      const node = nodes[i];
      const name = nameAt(nodes, i);
      const call = name && nodes[name.next];
      if (node.kind === "group") {
        const found = this.findInside(node, inQuery);
        if (found) return found;
        i++;
      } else if (isMark(node, "::") || isWord(node, "as")) {
        i = nameAt(nodes, i + 1)?.next ?? i + 1;
      } else if (isOperator(node, "*") && !inQuery && isAllColumns(nodes, i)) {
        const column = this.ungrouped((one) => this.isOurs(one) || !this.isMerged(one));
        if (column) return { column, at: node.start };
        i++;
      } else if (name === null) i++;
      else if (isGroup(call)) {
        const { next, isAggregate } = callAt(nodes, name.next, name.last);
        // extract(year from …): the first word is no column.
        const inside = name.last === "extract" ? call.nodes.slice(1) : nodes.slice(name.next, next);
        const found = isAggregate ? null : this.find(inside, inQuery);
        if (found) return found;
        i = next;
      } else if (name.bare && isSyntax(nodes, i)) i++;
      else {
        const column = this.ungroupedIn(name.parts, nodes, name.next, inQuery);
        if (column !== null) return { column, at: name.start };
        i = name.next;
      }
    }
    return null;
  }

  /** In a subquery an unqualified name is assumed to be a column of the subquery. */
  private findInside(group: Group, inQuery: boolean): ColumnUse | null {
    if (!isQuery(group)) return this.find(group.nodes, inQuery);
    const inner = this.scope.detached();
    readFrom(clausesOf(group.nodes).from ?? [], inner);
    const hidden = inner.relations.some(({ name }) => name === this.relation.name);
    return hidden ? null : this.find(group.nodes, true);
  }

  /** The column that a name means, if it is this relation's and not grouped; for the whole row, the first such. */
  private ungroupedIn(
    parts: string[],
    nodes: Node[],
    next: number,
    inQuery: boolean,
  ): string | null {
    const { table, name } = this.relation;
    const last = parts.at(-1)!;
    if (parts.length === 1) {
      const isStar = isMark(nodes[next], ".") && isOperator(nodes[next + 1], "*");
      if (last === name && isStar) return this.ungrouped();
      // The row as a whole depends on the key, even if all columns are grouped.
      if (last === name && !table.columns.has(last)) return inQuery ? null : last;
      if (inQuery || isStar || !this.isOurs(last)) return null;
    } else if (!this.isQualified(parts)) return null;
    return table.columns.has(last) && !this.columns.has(last) ? last : null;
  }

  /**
   * Whether an unqualified column is this relation's. If USING or NATURAL merges it, it is the left one's; any other
   * that two relations have would be ambiguous.
   */
  private isOurs(column: string): boolean {
    const having = this.scope.relations
      .filter(({ table }) => table === null || table.columns.has(column));
    if (this.isMerged(column)) return having[0]?.name === this.relation.name;
    return having.every(({ table, name }) => table === null || name === this.relation.name);
  }

  private isMerged(column: string): boolean {
    return this.scope.natural || this.scope.merged.has(column);
  }

  private ungrouped(among: (column: string) => boolean = () => true): string | null {
    const { columns } = this.relation.table;
    return [...columns].find((column) => !this.columns.has(column) && among(column)) ?? null;
  }

  /** How many nodes from `i` on are one of the grouped expressions. */
  private expressionAt(nodes: Node[], i: number): number {
    for (const expression of this.expressions) {
      for (let length = 1; i + length <= nodes.length; length++) {
        const tokens = this.tokensOf(nodes.slice(i, i + length));
        if (tokens.length > expression.length) break;
        if (tokens.length === expression.length && tokens.every((t, n) => t === expression[n])) {
          return length;
        }
      }
    }
    return 0;
  }

  /** Kinds and values, without the relation's name before a column, so that different spellings compare equal. */
  private tokensOf(nodes: Node[]): string[] {
    const isQualifier = (node: Node | undefined, dot: Node | undefined) =>
      isIdentifier(node) && node.value === this.relation.name && isMark(dot, ".");
    return nodes.flatMap((node, i) => {
      if (node.kind === "group") {
        return [node.open, ...this.tokensOf(node.nodes), node.open === "(" ? ")" : "]"];
      }
      if (isQualifier(node, nodes[i + 1]) || isQualifier(nodes[i - 1], node)) return [];
      return [isIdentifier(node) ? `"${node.value}` : `${node.kind} ${node.value}`];
    });
  }
}

/** Whether a `*` stands for all columns; otherwise it multiplies. */
const isAllColumns = (nodes: Node[], i: number) =>
  nodes.length === 1 || (i === 0 && isMark(nodes[1], ","));

/** Key words that can also be names of columns: `date '…'`, `nulls last`, `at time zone …`. */
function isSyntax(nodes: Node[], i: number): boolean {
  const [before, next] = [nodes[i - 1], nodes[i + 1]];
  return next?.kind === "string" || isWord(before, "nulls", "at") ||
    areWords(nodes, i - 2, "at", "time");
}

/**
 * The call whose arguments are at index `i`. An aggregate is recognized by its name, or by what only aggregates can
 * have: FILTER, WITHIN GROUP, DISTINCT or ORDER BY in the arguments. With OVER it is a window function, whose
 * arguments must be grouped.
 */
function callAt(nodes: Node[], i: number, called: string): { next: number; isAggregate: boolean } {
  const { nodes: inside } = nodes[i] as Group;
  let isAggregate = AGGREGATES.has(called) || called.endsWith("_agg") ||
    /_agg_(strict|unique|unique_strict)$/.test(called) || isWord(inside[0], "distinct") ||
    (inside.some((_, n) => areWords(inside, n, "order", "by")) && !isWord(inside[0], "select"));
  let next = i + 1;
  if (areWords(nodes, next, "within", "group") && isGroup(nodes[next + 2])) {
    isAggregate = true;
    next += 3;
  }
  if (isWord(nodes[next], "filter") && isGroup(nodes[next + 1])) {
    isAggregate = true;
    next += 2;
  }
  if (isWord(nodes[next], "over")) return { next: next + 2, isAggregate: false };
  return { next, isAggregate };
}

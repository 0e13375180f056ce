/**
 * GROUP BY the primary key: a table's other columns depend on it and need not be grouped (manual, 7.2.3), which
 * is not so for the columns of a view.
 */
import { type Level, type LevelRelation, newLevel } from "./levels.ts";
import {
  commaSeparated,
  type Group,
  isGroup,
  isIdentifier,
  isMark,
  isOperator,
  isWord,
  nameAt,
  type Node,
} from "./nodes.ts";
import { type Clauses, clausesOf } from "./clauses.ts";
import { readFrom, withoutLabel } from "./queries.ts";
import { isQuery } from "./expressions.ts";
import type { Reading } from "./reading.ts";
import type { IndexedTable } from "../references/table_index.ts";

/** Aggregates of the server and of extensions that are common; others are known by how they are called. */
const AGGREGATES = new Set(
  `any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist
  dense_rank every grouping max min mode percent_rank percentile_cont percentile_disc rank regr_avgx regr_avgy
  regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp sum
  var_pop var_samp variance json_arrayagg json_objectagg st_union st_collect st_extent st_makeline`
    .split(/\s+/),
);

/** Notes the tables of which columns are selected that only depend on the grouped key. */
export function readGrouping(clauses: Clauses, level: Level, reading: Reading): void {
  if (!isWord(clauses.group?.[0], "by")) return;
  const items = commaSeparated(clauses.list!).map(itemOf);
  for (const relation of level.relations) {
    const { table, certain } = relation;
    if (table?.primaryKey == null) continue;
    const by = clauses.group!.slice(1);
    const grouping = new Grouping({ ...relation, table }, level, by, items, reading.aside());
    if (!table.primaryKey.every((column) => grouping.plain.has(column))) continue;
    const dependent = grouping.dependentColumn(items, clauses);
    if (dependent === null) continue;
    reading.use([{ table, certain }], dependent.at, "group_by_primary_key", dependent.column);
  }
}

interface Item {
  nodes: Node[];
  label: string | null;
}

/** An item of the select list and the name that it has there. */
function itemOf(item: Node[]): Item {
  const first = isWord(item[0], "distinct", "all") ? 1 : 0;
  const on = isWord(item[0], "distinct") && isWord(item[1], "on") && isGroup(item[2]);
  const whole = item.slice(on ? 3 : first);
  const nodes = withoutLabel(whole);
  const last = whole.at(-1);
  const name = nodes.length < whole.length ? last : isIdentifier(last) ? last : undefined;
  return { nodes, label: isIdentifier(name) ? name.value : null };
}

interface Reference {
  column: string;
  at: number;
}

class Grouping {
  /** Columns grouped by themselves, on which others depend. */
  readonly plain = new Set<string>();
  /** All grouped columns, those of ROLLUP, CUBE and GROUPING SETS too. */
  private readonly columns = new Set<string>();
  /** Grouped expressions, as their tokens. */
  private readonly expressions: string[][] = [];

  constructor(
    private readonly relation: LevelRelation & { table: IndexedTable },
    private readonly level: Level,
    grouped: Node[],
    items: Item[],
    private readonly aside: Reading,
  ) {
    for (const one of commaSeparated(grouped)) this.add(one, items, true);
  }

  private add(nodes: Node[], items: Item[], plain: boolean): void {
    const [first] = nodes;
    if (isWord(first, "distinct", "all")) return this.add(nodes.slice(1), items, plain);
    const sets = nodes.find(isGroup);
    if (isWord(first, "rollup", "cube", "grouping") && sets) {
      for (const one of commaSeparated(sets.nodes)) this.add(one, items, false);
      return;
    }
    if (nodes.length === 1 && isGroup(first)) {
      for (const one of commaSeparated(first.nodes)) this.add(one, items, plain);
      return;
    }
    const column = this.columnOf(nodes);
    if (column !== null) {
      this.columns.add(column);
      if (plain) this.plain.add(column);
      return;
    }
    const position = nodes.length === 1 && first.kind === "number" ? Number(first.value) : null;
    const label = nodes.length === 1 && isIdentifier(first) ? first.value : null;
    const item = position !== null
      ? items[position - 1]
      : label !== null
      ? items.find((one) => one.label === label)
      : undefined;
    if (item === undefined) this.expressions.push(this.tokensOf(nodes));
    // By its position or name it stands for the item.
    else if (item.nodes !== nodes && item.nodes.length > 0) this.add(item.nodes, [], plain);
  }

  /** The relation's column that the nodes are, and nothing else; or null. */
  private columnOf(nodes: Node[]): string | null {
    const name = nameAt(nodes, 0);
    if (name === null || name.next < nodes.length) return null;
    const column = name.parts.at(-1)!;
    if (!this.relation.table.columns.has(column)) return null;
    const ours = name.parts.length === 1 ? this.isOurs(column) : this.isQualifier(name.parts);
    return ours ? column : null;
  }

  private isQualifier(parts: string[]): boolean {
    return parts.at(-2) === this.relation.name &&
      (parts.length === 2 || parts[0] === this.relation.table.schema);
  }

  /** The first column that is used outside aggregates without being grouped. */
  dependentColumn(items: Item[], { having, order }: Clauses): Reference | null {
    for (const { nodes } of items) {
      const found = this.find(nodes, false);
      if (found) return found;
    }
    const labels = new Set(items.map(({ label }) => label));
    const sorted = commaSeparated(order?.slice(1) ?? []).filter(([first, second]) =>
      // A name by itself means the item of that name rather than the column.
      !(isIdentifier(first) && labels.has(first.value) && !isMark(second, ".") && !isGroup(second))
    );
    for (const nodes of [having ?? [], ...sorted]) {
      const found = this.find(nodes, false);
      if (found) return found;
    }
    return null;
  }

  private find(nodes: Node[], inQuery: boolean): Reference | null {
    for (let i = 0; i < nodes.length;) {
      const length = this.expressionAt(nodes, i);
      if (length > 0) {
        i += length;
        continue;
      }
      const node = nodes[i];
      if (node.kind === "group") {
        const found = this.findInside(node, inQuery);
        if (found) return found;
        i++;
      } else if (isMark(node, "::") || isWord(node, "as")) {
        i = nameAt(nodes, i + 1)?.next ?? i + 1;
      } else if (isOperator(node, "*") && !inQuery && this.isItem(nodes, i)) {
        const column = this.ungrouped((one) => this.isOurs(one) || !this.isMerged(one));
        if (column) return { column, at: node.start };
        i++;
      } else {
        const name = nameAt(nodes, i);
        if (name === null) i++;
        else if (isGroup(nodes[name.next])) {
          const called = name.parts.at(-1)!;
          const { next, isAggregate } = callAt(nodes, name.next, called);
          // extract(year from …): the first word is no column.
          const inside = called === "extract"
            ? (nodes[name.next] as Group).nodes.slice(1)
            : nodes.slice(name.next, next);
          const found = isAggregate ? null : this.find(inside, inQuery);
          if (found) return found;
          i = next;
        } else if (name.bare && isSyntax(nodes, i)) i++;
        else {
          const column = this.reference(name.parts, nodes, name.next, inQuery);
          if (column !== null) return { column, at: name.start };
          i = name.next;
        }
      }
    }
    return null;
  }

  /** In subqueries a name without qualifier is taken for a column of theirs. */
  private findInside(group: Group, inQuery: boolean): Reference | null {
    if (!isQuery(group)) return this.find(group.nodes, inQuery);
    const level = newLevel(null);
    const { from } = clausesOf(group.nodes);
    readFrom(from ?? [], level, this.aside);
    const hidden = level.relations.some(({ name }) => name === this.relation.name);
    return hidden ? null : this.find(group.nodes, true);
  }

  /** A `*` that stands for columns, rather than multiplying. */
  private isItem(nodes: Node[], i: number): boolean {
    return nodes.length === 1 || (i === 0 && isMark(nodes[1], ","));
  }

  private reference(
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
      // The row as a whole depends on the key, even where all columns are grouped.
      if (last === name && !table.columns.has(last)) return inQuery ? null : last;
      if (inQuery || isStar || !this.isOurs(last)) return null;
      return table.columns.has(last) && !this.columns.has(last) ? last : null;
    }
    if (!this.isQualifier(parts) || !table.columns.has(last)) return null;
    return this.columns.has(last) ? null : last;
  }

  /**
   * Whether a column without qualifier is this relation's. One that USING or NATURAL makes of two is the left
   * one's; any other that two relations have would have been ambiguous.
   */
  private isOurs(column: string): boolean {
    const having = this.level.relations
      .filter(({ table }) => table === null || table.columns.has(column));
    if (this.isMerged(column)) return having[0]?.name === this.relation.name;
    return having.every(({ table, name }) => table === null || name === this.relation.name);
  }

  private isMerged(column: string): boolean {
    return this.level.natural || this.level.merged.has(column);
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

  /** By kind and value, without the relation's name before a column, so that spelling makes no difference. */
  private tokensOf(nodes: Node[]): string[] {
    return nodes.flatMap((node, i) => {
      if (node.kind === "group") {
        return [node.open, ...this.tokensOf(node.nodes), node.open === "(" ? ")" : "]"];
      }
      const qualifies = (one: Node | undefined, dot: Node | undefined) =>
        isIdentifier(one) && one.value === this.relation.name && isMark(dot, ".");
      if (qualifies(node, nodes[i + 1]) || qualifies(nodes[i - 1], node)) return [];
      return [isIdentifier(node) ? `"${node.value}` : `${node.kind} ${node.value}`];
    });
  }
}

/** Words of SQL that can be names of columns, too: `date '…'`, `nulls last`, `at time zone …`. */
function isSyntax(nodes: Node[], i: number): boolean {
  const [before, next] = [nodes[i - 1], nodes[i + 1]];
  return next?.kind === "string" || isWord(before, "nulls", "at") ||
    (isWord(before, "time") && isWord(nodes[i - 2], "at"));
}

/**
 * The call whose arguments are at index `i`. An aggregate is known by its name, or by what only aggregates can
 * have: FILTER, WITHIN GROUP, DISTINCT or ORDER BY in the arguments. With OVER it is a window function, whose
 * arguments have to be grouped.
 */
function callAt(
  nodes: Node[],
  i: number,
  called: string,
): { next: number; isAggregate: boolean } {
  const { nodes: inside } = nodes[i] as Group;
  let isAggregate = AGGREGATES.has(called) || called.endsWith("_agg") ||
    /_agg_(strict|unique|unique_strict)$/.test(called) || isWord(inside[0], "distinct") ||
    (inside.some((node, n) => isWord(node, "order") && isWord(inside[n + 1], "by")) &&
      !isWord(inside[0], "select"));
  let next = i + 1;
  if (
    isWord(nodes[next], "within") && isWord(nodes[next + 1], "group") && isGroup(nodes[next + 2])
  ) {
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

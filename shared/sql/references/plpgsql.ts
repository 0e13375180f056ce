/** PL/pgSQL (manual, 43): finds the statements and expressions in a body, which are SQL. */
import {
  areWords,
  commaSeparated,
  endAtWord,
  indexOfWord,
  isGroup,
  isMark,
  isOperator,
  isWord,
  nameAt,
  type Node,
} from "../parser/nodes.ts";
import type { Scope } from "../parser/scope.ts";
import { foldString } from "../parser/string_folding.ts";
import { namesCatalog } from "./catalog_queries.ts";
import { readExpression, readType } from "./expressions.ts";
import { readVariables } from "./plpgsql_variables.ts";
import { readSelect } from "./queries.ts";
import { readStrings, type StringContext } from "./sql_in_strings.ts";
import { readStatement } from "./statements.ts";

export function readPlpgsql(nodes: Node[], scope: Scope): void {
  readVariables(nodes, scope);
  new Body(nodes, scope).read();
}

class Body {
  private at = 0;
  /** The context of strings that are not given to EXECUTE. */
  private readonly strings: StringContext;

  constructor(private readonly nodes: Node[], private readonly scope: Scope) {
    const executes = indexOfWord(nodes, 0, "execute") >= 0;
    this.strings = executes || namesCatalog(nodes) ? "beside execute" : "elsewhere";
  }

  read(): void {
    while (this.at < this.nodes.length) {
      const before = this.at;
      this.statement();
      if (this.at <= before) this.at = before + 1;
    }
  }

  private get node(): Node | undefined {
    return this.nodes[this.at];
  }

  private statement(): void {
    const { nodes, node } = this;
    if (isMark(node, ";")) this.at++;
    // #variable_conflict use_column, and the like
    else if (isOperator(node, "#")) this.at += 3;
    else if (isOperator(node, "<<")) {
      while (this.at < nodes.length && !isOperator(this.node, ">>")) this.at++;
      this.at++;
    } else if (isWord(node, "begin", "else", "loop", "exception")) this.at++;
    else if (isWord(node, "declare")) this.declarations();
    else if (this.assignment()) return;
    else if (isWord(node, "if", "elsif", "elseif", "when")) this.expression(1, "then");
    else if (isWord(node, "while")) this.expression(1, "loop");
    else if (isWord(node, "case")) this.expression(1, "when", false);
    else if (isWord(node, "for", "foreach")) this.loop();
    else this.simple(this.until(this.at));
  }

  /** Index of the next semicolon, or of one of these words outside CASE … END; or the end. */
  private until(from: number, ...words: string[]): number {
    let cases = 0;
    for (let i = from; i < this.nodes.length; i++) {
      const node = this.nodes[i];
      if (isMark(node, ";")) return i;
      if (isMark(this.nodes[i - 1], ".")) continue;
      if (cases === 0 && isWord(node, ...words)) return i;
      if (isWord(node, "case")) cases++;
      else if (isWord(node, "end") && cases > 0) cases--;
    }
    return this.nodes.length;
  }

  /** An expression after `skip` nodes, up to a word. Continues after the word if `pass`, else at it. */
  private expression(skip: number, word: string, pass = true): void {
    const end = this.until(this.at + skip, word);
    this.select(this.nodes.slice(this.at + skip, end));
    this.at = pass ? end + 1 : end;
  }

  /** An expression; the server evaluates it with SELECT before it. */
  private select(nodes: Node[], strings = this.strings): void {
    readSelect(nodes, this.scope);
    readStrings(nodes, strings, this.scope);
  }

  private sql(nodes: Node[]): void {
    readStatement(nodes, this.scope);
    readStrings(nodes, this.strings, this.scope);
  }

  /** `target := expression`, where target is a variable, a field or an element. */
  private assignment(): boolean {
    const name = nameAt(this.nodes, this.at);
    if (name === null) return false;
    let i = name.next;
    while (this.nodes[i]?.kind === "group" || isMark(this.nodes[i], ".")) {
      if (isGroup(this.nodes[i])) return false;
      i = isMark(this.nodes[i], ".") ? i + 2 : i + 1;
    }
    if (!isOperator(this.nodes[i], ":=", "=")) return false;
    const end = this.until(i);
    readExpression(this.nodes.slice(this.at, i), this.scope);
    this.select(this.nodes.slice(i + 1, end));
    this.at = end + 1;
    return true;
  }

  private declarations(): void {
    this.at++;
    while (this.at < this.nodes.length && !isWord(this.node, "begin")) {
      if (isOperator(this.node, "<<")) return;
      const end = this.until(this.at);
      this.declaration(this.nodes.slice(this.at, end));
      this.at = end + 1;
      if (isWord(this.node, "declare")) this.at++;
    }
  }

  /** `name [CONSTANT] type [COLLATE c] [NOT NULL] [DEFAULT | := | = expression]`, aliases and cursors. */
  private declaration(nodes: Node[]): void {
    if (isWord(nodes[1], "alias")) return;
    const cursor = indexOfWord(nodes, 1, "cursor");
    if (cursor > 0 && cursor <= 3) {
      const parameters = nodes[cursor + 1];
      if (isGroup(parameters)) {
        for (const parameter of commaSeparated(parameters.nodes)) {
          readType(parameter, 1, this.scope, "variable");
        }
      }
      const query = indexOfWord(nodes, cursor, "for", "is");
      if (query > 0) this.sql(nodes.slice(query + 1));
      return;
    }
    const type = isWord(nodes[1], "constant") ? 2 : 1;
    const next = readType(nodes, type, this.scope, "variable");
    const value = nodes.findIndex((node, i) =>
      i >= next && (isWord(node, "default") || isOperator(node, ":=", "="))
    );
    if (value >= 0) this.select(nodes.slice(value + 1));
  }

  /** FOR target IN … LOOP, FOREACH target [SLICE n] IN ARRAY … LOOP */
  private loop(): void {
    const inAt = this.until(this.at + 1, "in");
    const end = this.until(inAt + 1, "loop");
    const source = this.nodes.slice(inAt + 1, end);
    if (isWord(source[0], "execute")) this.execute(source.slice(1));
    else if (isWord(source[0], "reverse", "array")) this.select(source.slice(1));
    else if (beginsQuery(source[0])) this.sql(source);
    else this.select(source);
    this.at = end + 1;
  }

  private simple(end: number): void {
    const nodes = this.nodes.slice(this.at, end);
    this.at = end + 1;
    const [first, second] = nodes;
    if (isWord(first, "end", "null", "exit", "continue")) {
      const when = indexOfWord(nodes, 1, "when");
      if (when > 0) this.select(nodes.slice(when + 1));
    } else if (isWord(first, "execute")) this.execute(nodes.slice(1));
    else if (isWord(first, "perform")) this.select(nodes.slice(1));
    // Its strings are messages to people.
    else if (isWord(first, "raise")) readExpression(nodes.slice(1), this.scope);
    else if (isWord(first, "return")) {
      const execute = areWords(nodes, 1, "query", "execute");
      if (execute) this.execute(nodes.slice(3));
      else if (isWord(second, "query")) this.sql(nodes.slice(2));
      else this.select(nodes.slice(isWord(second, "next") ? 2 : 1));
    } else if (isWord(first, "open")) {
      const query = indexOfWord(nodes, 1, "for");
      if (query < 0) this.select(nodes.slice(1));
      else if (isWord(nodes[query + 1], "execute")) this.execute(nodes.slice(query + 2));
      else this.sql(nodes.slice(query + 1));
    } else if (isWord(first, "get", "fetch", "move", "close", "assert", "call")) {
      this.select(nodes.slice(1));
    } else this.sql(nodes);
  }

  /** EXECUTE command [INTO target] [USING expressions] */
  private execute(nodes: Node[]): void {
    const using = nodes.slice(endAtWord(nodes, 0, "using") + 1);
    const { runTime } = this.scope.names;
    runTime.parameters = commaSeparated(using)
      .map((argument) => foldString(argument, 0, runTime)?.text ?? "");
    this.select(nodes.slice(0, endAtWord(nodes, 0, "into", "using")), "execute");
    runTime.parameters = [];
    this.select(using);
  }
}

const beginsQuery = (node: Node | undefined) =>
  isGroup(node) ||
  isWord(node, ..."select with values table insert update delete merge explain".split(" "));

/**
 * A routine whose parameters or result are of the view's row type cannot be replaced, since its signature
 * changes: it is made again on the table's row type, while the old one waits under another name.
 */
import type { Statement } from "../contract/responses.ts";
import { grantStatements } from "../plan/grants.ts";
import { nameDigest } from "../sql/name_digest.ts";
import { ident, literal, qualified } from "../sql/quoting.ts";
import type { BuiltObject } from "../facts/built_on.ts";
import { type Recreating, withoutEnd } from "./recreate.ts";

export function routineAgain(object: BuiltObject, sessionUser: string): Recreating {
  const { schema, kind, identity, owner, kept, routine } = object;
  const setAsideName = `__compatibility_routine_${nameDigest(identity)}`;
  const { signature } = routine!;
  const purpose = `Make the ${kind} ${identity} again`;
  const definition = withoutEnd(object.definition!.text!)
    .replace(/^CREATE OR REPLACE /, "create ");
  const again: Statement[] = [{ sql: definition, purpose }];
  if (owner !== sessionUser) {
    again.push({
      sql: `alter routine ${signature} owner to ${ident(owner!)}`,
      purpose: "It keeps its owner",
    });
  }
  if (kept!.comment != null) {
    again.push({
      sql: `comment on routine ${signature} is ${literal(kept!.comment)}`,
      purpose: "It keeps its comment",
    });
  }
  const grants = grantStatements(
    { owner: owner!, acl: object.acl, columns: [], default_grantees: object.default_grantees },
    signature,
    owner!,
    { kind: "routine", sessionUser },
  );
  again.push(...grants.statements.map((sql) => ({ sql, purpose: "It keeps its privileges" })));
  return {
    aside: [{
      sql: `alter routine ${signature} rename to ${ident(setAsideName)}`,
      purpose: `Move the ${kind} ${identity} out of the way`,
    }],
    again,
    // By its name alone, which no other has: the names of its types are others by then.
    drop: [{
      sql: `drop routine ${qualified(schema!, setAsideName)} restrict`,
      purpose: `Remove the ${kind} that was moved out of the way`,
    }],
  };
}

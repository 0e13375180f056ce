/** Facts as `catalog/` would read them, written by hand: plans are made from them without a database. */
import type { AclEntry } from "../../../shared/facts/privileges.ts";
import type { NameHolder, RecordedRename } from "../../../shared/facts/migration.ts";
import type { Rename } from "../../../shared/contract/requests.ts";
import type {
  ColumnFacts,
  DependantFacts,
  Facts,
  NameFacts,
  RelationFacts,
  RowTypeUser,
} from "../../../shared/facts/facts.ts";
import { fingerprint } from "../../../shared/facts/fingerprint.ts";
import type { BuiltObject, BuiltOnFacts } from "../../../shared/facts/built_on.ts";

/** The role that the plans are made for. */
export const SESSION_USER = "postgres";

/** PostgreSQL 17.4. */
export const SERVER_VERSION = 170_004;

/** One privilege of an ACL; granted by the session's role, without grant option. */
export function grant(
  grantee: string | null,
  privilege: string,
  more: Partial<AclEntry> = {},
): AclEntry {
  return {
    grantor: SESSION_USER,
    grantee,
    privilege,
    grantable: false,
    grantor_settable: true,
    ...more,
  };
}

/** What an owner has on a table of its own, unless it gave something away. */
export function ownersPrivileges(): AclEntry[] {
  return ["INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
    .map((privilege) => grant(SESSION_USER, privilege));
}

export function column(name: string, more: Partial<ColumnFacts> = {}): ColumnFacts {
  return {
    name,
    number: 1,
    type: "text",
    collation: "pg_catalog.default",
    not_null: false,
    identity: "",
    generated: "",
    default: null,
    identity_sequence: null,
    settings: "storage x local",
    comment: null,
    acl: [],
    partial_readers: [],
    ...more,
  };
}

/** An object that stands on a relation, not on its row type. */
export function dependant(
  kind: string,
  identity: string,
  more: Partial<DependantFacts> = {},
): DependantFacts {
  return { kind, identity, on_row_type: false, takes_row: false, ...more };
}

/** A function that takes rows, reads fields of theirs only, and shares its name with no other. */
export function rowTypeUser(identity: string, more: Partial<RowTypeUser> = {}): RowTypeUser {
  return { kind: "function", identity, ambiguous: false, tells_null: false, ...more };
}

/** A table of the session's role in `public` with one column, `id`, and nothing else. */
export function table(name: string, more: Partial<RelationFacts> = {}): RelationFacts {
  return {
    oid: 16_400,
    schema: "public",
    name,
    kind: "r",
    persistence: "p",
    owner: SESSION_USER,
    owned: true,
    owner_settable: true,
    owner_can_create: true,
    extension: null,
    row_security: false,
    force_row_security: false,
    options: [],
    replica_identity: "d",
    access_method: "heap",
    tablespace: null,
    comment: null,
    partition_key: null,
    partition_bound: null,
    parents: [],
    children: [],
    columns: [column("id", { type: "bigint", collation: null, not_null: true })],
    acl: ownersPrivileges(),
    default_grantees: [],
    default_executors: [],
    constraints: [],
    indexes: [],
    triggers: [],
    policies: [],
    rules: [],
    statistics: [],
    publications: [],
    owned_sequences: [],
    security_labels: [],
    referencing: [],
    dependants: [],
    view_definition: null,
    view_query: null,
    view_query_with_names: null,
    view_reads: [],
    scan_counter: null,
    built_on: null,
    row_type: { users: [], inherited_functions: [], casts: [] },
    views: [],
    trigger_functions: [],
    computed_relationships: [],
    foreign_tables: [],
    subscriptions: [],
    self_references: [],
    partition_access: [],
    media_handlers: [],
    self_embeddings: [],
    join_table_pairs: [],
    ...more,
  };
}

/** The compatibility view `name` over `of`. */
export function viewOver(
  of: RelationFacts,
  name: string,
  more: Partial<RelationFacts> = {},
): RelationFacts {
  return {
    ...of,
    oid: of.oid + 1_000,
    name,
    kind: "v",
    options: ["security_invoker=true"],
    access_method: null,
    view_definition: ` SELECT id FROM ${of.schema}.${of.name};`,
    view_query: `query of ${of.oid}`,
    view_query_with_names: `query of ${of.name}`,
    view_reads: [of.oid],
    built_on: builtOn(),
    ...more,
  };
}

/** What is built on a view. */
export function builtOn(...objects: BuiltObject[]): BuiltOnFacts {
  return { objects, sources: [], table_type: "public.expert_profiles", digest: "of the view" };
}

/** A view of the session's role on the relation with OID `on`, of which it uses the column `id`. */
export function builtView(
  name: string,
  on: number,
  more: Partial<BuiltObject> = {},
): BuiltObject {
  return {
    catalog: "pg_class",
    oid: 30_000,
    number: 0,
    kind: "view",
    identity: `public.${name}`,
    subkind: "v",
    schema: "public",
    name,
    host: {
      oid: 30_000,
      schema: "public",
      name,
      kind: "v",
      owner: SESSION_USER,
      has_children: false,
      pages: 0,
    },
    owner: SESSION_USER,
    owned: true,
    owner_settable: true,
    owner_can_create: true,
    can_create: true,
    temporary: false,
    extension: null,
    recreated: false,
    uses: [{ relation: on, column: "id", row_type: false, routine: null }],
    whole_rows: false,
    closed_schemas: [],
    definition: { query: ` SELECT id\n   FROM public.experts;` },
    definition_digest: `definition of ${name}`,
    skeleton_digest: `skeleton of ${name}`,
    kept: {
      name,
      owner: SESSION_USER,
      comment: null,
      acl: [],
      options: ["security_invoker=true"],
      columns: [{
        name: "id",
        comment: null,
        acl: null,
        statistics: null,
        options: null,
        storage: null,
        compression: null,
      }],
      storage: null,
    },
    kept_digest: `state of ${name}`,
    acl: ownersPrivileges(),
    column_acls: [],
    default_grantees: [],
    routine: null,
    sizes: [],
    lent: [],
    labels: 0,
    extension_dependencies: 0,
    ...more,
  };
}

/** What `relations` are called, and that the names of `free` (`schema.name` or a name in public) are. */
export function factsOf(relations: RelationFacts[], free: string[] = []): Facts {
  const names: NameFacts[] = [
    ...relations.map(({ schema, name, oid, kind }) => ({
      ...freeName(name, schema),
      relation: { oid, kind },
    })),
    ...free.map((name) => freeName(name)),
  ];
  return {
    session: { server_version: SERVER_VERSION, user: SESSION_USER, sql_functions: true },
    names,
    relations,
    statements_read: { read: 0, wanted: 0 },
    name_columns: [],
    names_in_rows: { found: [], unread: [] },
    same_named_relations: [],
    texts: [],
    dynamic_sql_routines: [],
    event_triggers: [],
    graphql: false,
    schema_tools: [],
    indexes: [],
    relation_names: [],
    interim_taken: [],
  };
}

/** A name in an existing schema that nothing has. */
export function freeName(name: string, schema = "public"): NameFacts {
  return { schema, name, schema_oid: 2_200, can_create: true, relation: null, type: null };
}

export function renaming(old_name: string, new_name: string, schema = "public"): Rename {
  return { schema, old_name, new_name };
}

/** The record of an active rename of `of`, which now has its new name, with the view `view`. */
export function recorded(
  of: RelationFacts,
  view: RelationFacts | null,
  oldName: string,
  more: Partial<RecordedRename> = {},
): RecordedRename & NameHolder {
  return {
    batch_id: "6b0f2f0e-3a4f-4b5f-8f53-0000000000ff",
    requested_by: "key:default",
    id: "6b0f2f0e-3a4f-4b5f-8f53-000000000001",
    schema_name: of.schema,
    old_name: oldName,
    new_name: of.name,
    status: "active",
    table_oid: of.oid,
    view_oid: view?.oid ?? null,
    compatibility_view_created: view !== null,
    indexes: [],
    fingerprint: {
      before: fingerprint({ ...of, name: oldName }),
      after: fingerprint(of),
      view: view && fingerprint(view),
      without_columns: [],
    },
    ...more,
  };
}

/** Freezes a value to any depth, so that a plan that wrote to its facts would throw. */
export function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}

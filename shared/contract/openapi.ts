/**
 * The OpenAPI 3.1 document, made from the schemas that requests are checked with. Nothing that is deployed
 * imports it; `npm run openapi` writes it to openapi.json beside this file.
 */
import { z } from "zod";
import { ANSWERS, EXAMPLES, PROBLEM_EXAMPLE } from "./examples.ts";
import { FINDINGS } from "./findings.ts";
import { NOTIFICATIONS, type NotificationType } from "./notifications.ts";
import { type ProblemCode, PROBLEMS } from "./problems.ts";
import { MAX_BODY_BYTES, REQUESTS } from "./requests.ts";
import * as responses from "./responses.ts";

type Json = Record<string, unknown>;
type Endpoint = keyof typeof REQUESTS;

interface EndpointText {
  method: "get" | "post";
  summary: string;
  description: string;
  answer: string;
  streams?: boolean;
  /** Problem codes beyond those that every endpoint has. */
  problems: ProblemCode[];
}

const ON_EVERY_ENDPOINT: ProblemCode[] = [
  "invalid_request",
  "unauthorized",
  "forbidden",
  "method_not_allowed",
  "internal",
  "busy",
  "database_unavailable",
  "deadline_exceeded",
];

const WITH_BODY: ProblemCode[] = [
  "invalid_json",
  "invalid_identifier",
  "body_incomplete",
  "body_too_slow",
  "body_too_large",
  "unsupported_media_type",
];

const OF_CHANGES: ProblemCode[] = [
  ...WITH_BODY,
  "not_table_owner",
  "breaking_findings",
  "plan_changed",
  "request_in_progress",
  "idempotency_key_reused",
  "unsupported_server",
  "lock_not_acquired",
];

const OF_MIGRATIONS: ProblemCode[] = [
  ...OF_CHANGES,
  "migration_not_found",
  "not_active",
  "drifted",
  "dependants_cannot_follow",
];

const ENDPOINTS: Record<Endpoint, EndpointText> = {
  rename: {
    method: "post",
    summary: "Rename tables, all or none",
    description:
      "In one transaction each table gets its new name and a compatibility view takes the old one. " +
      "With mode plan nothing happens, with mode propose a pending batch is kept; a batch_id alone applies it.",
    answer: "OperationAnswer",
    streams: true,
    problems: [
      ...OF_CHANGES,
      "protected_schema",
      "extension_owned",
      "table_not_found",
      "migration_not_found",
      "name_taken",
      "already_renamed",
      "not_active",
      "unsupported_relation",
    ],
  },
  rollback: {
    method: "post",
    summary: "Take renames back, or withdraw proposals",
    description:
      "The view goes, the table takes its old name back, and verification says whether all is as it " +
      "was before.",
    answer: "OperationAnswer",
    streams: true,
    problems: OF_MIGRATIONS,
  },
  finalize: {
    method: "post",
    summary: "End renames: the old names go",
    description:
      "The view goes and only the new name is left. Refused while something still names the old one.",
    answer: "OperationAnswer",
    streams: true,
    problems: [...OF_MIGRATIONS, "old_name_in_use"],
  },
  refresh: {
    method: "post",
    summary: "Make a compatibility view again as its table is now",
    description: "After columns, defaults or privileges of the table changed.",
    answer: "OperationAnswer",
    streams: true,
    problems: OF_MIGRATIONS,
  },
  "list-migrations": {
    method: "get",
    summary: "The tracked renames, newest first",
    description: "Pages by key: each costs the same, however deep it is.",
    answer: "ListMigrationsAnswer",
    problems: [],
  },
  analyze: {
    method: "get",
    summary: "Everything that hangs on tables, and what a rename does to it",
    description: "Reads only.",
    answer: "AnalyzeAnswer",
    problems: ["invalid_identifier", "protected_schema", "table_not_found", "unsupported_relation"],
  },
  verify: {
    method: "post",
    summary: "Test whether an old name still does what its table does",
    description:
      "Reads, writes, joins, cost and the Data API, by both names; whatever it runs is rolled back.",
    answer: "VerifyAnswer",
    streams: true,
    problems: [...WITH_BODY, "migration_not_found", "not_active", "drifted", "unsupported_server"],
  },
  "table-aliases": {
    method: "get",
    summary: "The TypeScript that makes the old names compile",
    description: "As text, or with Accept: application/json as pairs of names.",
    answer: "TableAliasesAnswer",
    problems: [],
  },
};

/** Schemas that the document names, by their names in it. */
const COMPONENTS: Record<string, z.ZodType> = {
  OperationAnswer: responses.operationAnswer,
  ListMigrationsAnswer: responses.listMigrationsAnswer,
  AnalyzeAnswer: responses.analyzeAnswer,
  TableAliasesAnswer: responses.tableAliasesAnswer,
  VerifyAnswer: responses.verifyAnswer,
  Progress: responses.progress,
  Migration: responses.migration,
  Finding: responses.finding,
  Verification: responses.verification,
};

/** The document. */
export function openApiDocument(): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "Zero-downtime table rename",
      version: "1.0.0",
      description:
        "Renames PostgreSQL tables while applications keep using the old names. Unknown fields are " +
        "refused; every answer carries x-request-id; a refused or failed request changes nothing.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{
      url: "{project}/functions/v1",
      variables: {
        project: { default: "http://127.0.0.1:54321", description: "The project's URL" },
      },
    }],
    security: [{ apikey: [] }, { bearer: [] }, { webhook: [] }],
    paths: Object.fromEntries(
      Object.entries(ENDPOINTS).map(([name, text]) => [
        `/${name}`,
        { [text.method]: operation(name as Endpoint, text) },
      ]),
    ),
    webhooks: Object.fromEntries(
      Object.entries(TOLD).map(([type, when]) => [
        type,
        { post: notification(type as NotificationType, when) },
      ]),
    ),
    components: {
      securitySchemes: {
        apikey: {
          type: "apiKey",
          in: "header",
          name: "apikey",
          description: "A secret key of the project. It does not belong into a browser.",
        },
        bearer: { type: "http", scheme: "bearer", description: "The legacy service role key." },
        webhook: {
          type: "apiKey",
          in: "header",
          name: "webhook-signature",
          description:
            "Standard Webhooks, with webhook-id and webhook-timestamp; on POST endpoints.",
        },
      },
      schemas: {
        ...Object.fromEntries(
          Object.entries(COMPONENTS).map(([name, schema]) => [name, {
            ...jsonSchema(schema, "output"),
            ...(ANSWERS[name] && { examples: Object.values(ANSWERS[name]) }),
          }]),
        ),
        FindingCode: FINDING_CODE,
        Problem: PROBLEM,
      },
    },
  };
}

/** Each code with what it says, as JSON Schema tells the members of an enumeration apart. */
const FINDING_CODE: Json = {
  type: "string",
  description: "What a finding is about. A breaking one stops an apply unless it is acknowledged.",
  oneOf: Object.entries(FINDINGS).map(([code, description]) => ({ const: code, description })),
};

/** When each notification is sent. */
const TOLD: Record<NotificationType, string> = {
  "migration.proposed": "A rename was proposed.",
  "migration.applied": "Tables were renamed, all of a batch.",
  "migration.failed":
    "A change was begun and did not come about: its locks were not to be had, its time was up, or the " +
    "database refused or failed. The same failure is told once in ten minutes; refusals are not told.",
  "migration.rolled_back": "Renames were taken back, or proposals withdrawn.",
  "migration.finalized": "The old names are gone.",
  "migration.verification_failed":
    "After a change, or when verify was asked, something was not as it should be. The same is told once " +
    "in ten minutes.",
  "migration.drift_detected":
    "list-migrations found that the database no longer agrees with the record; each kind of drift is told " +
    "once a migration, until its view is refreshed.",
};

/** A webhook that is sent, described as the operation of its receiver. */
function notification(type: NotificationType, when: string): Json {
  const header = (name: string, description: string) => ({
    name,
    in: "header",
    required: true,
    description,
    schema: { type: "string" },
  });
  return {
    operationId: type.replaceAll(/[._](\w)/g, (_, letter) => letter.toUpperCase()),
    summary: when.split(/[.:]/)[0],
    description: when,
    security: [{}],
    parameters: [
      header("webhook-id", "The same at every attempt: what came twice is told by it."),
      header("webhook-timestamp", "When this attempt was made, in seconds since 1970."),
      header(
        "webhook-signature",
        "Standard Webhooks: v1, and HMAC-SHA256 with RENAME_NOTIFY_SECRET, one for each of its secrets.",
      ),
    ],
    requestBody: {
      required: true,
      content: { "application/json": { schema: jsonSchema(NOTIFICATIONS[type], "output") } },
    },
    responses: {
      "2XX": { description: "The receiver has it. The body is not read." },
      410: { description: "The receiver does not want it; it is not tried again." },
      default: {
        description:
          "It is tried again for 24 hours. Redirects are not followed, and count as this.",
      },
    },
  };
}

const PROBLEM: Json = {
  type: "object",
  description:
    "RFC 9457, with fields of the case: issues, findings, blockers, differences, dependants, did_you_mean.",
  required: ["type", "title", "status", "detail", "code"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", enum: Object.keys(PROBLEMS) },
    hint: { type: "string", description: "The next step." },
    issues: {
      type: "array",
      description: "What is not valid in the request, or each refusal of a batch.",
      items: {
        type: "object",
        required: ["path", "message"],
        properties: {
          path: { type: "string", description: "The field, such as renames.3.old_name." },
          message: { type: "string" },
          code: { type: "string", description: "Of a refusal: the code that it has alone." },
          hint: { type: "string" },
        },
        additionalProperties: true,
      },
    },
    did_you_mean: {
      type: "array",
      description: "Of a name that is not there: the tables whose names come closest.",
      items: {
        type: "object",
        required: ["schema", "table"],
        properties: { schema: { type: "string" }, table: { type: "string" } },
      },
    },
    migration_status: {
      type: "string",
      description: "Status of the migration that the problem is about.",
    },
  },
  additionalProperties: true,
  examples: [PROBLEM_EXAMPLE],
};

function operation(name: Endpoint, text: EndpointText): Json {
  const examples = Object.fromEntries(
    EXAMPLES.filter(({ endpoint }) => endpoint === name)
      .map((
        { title, request },
      ) => [title.replaceAll(/\W+/g, "_"), { summary: title, value: request }]),
  );
  const answer = { schema: { $ref: `#/components/schemas/${text.answer}` } };
  return {
    operationId: name.replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase()),
    summary: text.summary,
    description: text.description,
    ...(text.method === "get" ? { parameters: parametersOf(name) } : {
      parameters: [
        {
          name: "Idempotency-Key",
          in: "header",
          description: "The same key and body answer with the recorded response.",
          schema: { type: "string", minLength: 1, maxLength: 255 },
        },
        {
          name: "x-actor",
          in: "header",
          description: "Recorded behind the key's name as who asked.",
          schema: { type: "string" },
        },
      ],
      requestBody: {
        required: true,
        description: `JSON of at most ${MAX_BODY_BYTES} bytes.`,
        content: { "application/json": { schema: jsonSchema(REQUESTS[name], "input"), examples } },
      },
    }),
    responses: {
      200: {
        description: text.streams ? "Done; as events, progress comes before the result." : "Done.",
        headers: {
          "x-request-id": { description: "Names the request in logs.", schema: { type: "string" } },
          ...(text.method === "post" && {
            "idempotency-replayed": {
              description: "true where the recorded answer of an earlier request is given.",
              schema: { type: "string" },
            },
          }),
        },
        content: {
          "application/json": answer,
          ...(name === "table-aliases" && { "text/plain": { schema: { type: "string" } } }),
          ...(text.streams && {
            "text/markdown": {
              schema: { type: "string", description: "The same for people, such as in a comment." },
            },
          }),
          ...(text.streams && {
            "text/event-stream": {
              schema: {
                type: "string",
                description:
                  "progress events (Progress), then one result (the JSON answer) or problem.",
              },
            },
          }),
        },
      },
      ...problemResponses(text),
    },
  };
}

/** One response a status, with the codes that it stands for. */
function problemResponses({ problems }: EndpointText): Json {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set([...ON_EVERY_ENDPOINT, ...problems])) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...byStatus.get(status) ?? [], code]);
  }
  return Object.fromEntries(
    [...byStatus].sort(([a], [b]) => a - b).map(([status, codes]) => [status, {
      description: codes.map((code) => `${code}: ${PROBLEMS[code].title}`).join("; "),
      content: {
        "application/problem+json": {
          schema: {
            allOf: [
              { $ref: "#/components/schemas/Problem" },
              { properties: { code: { enum: codes } } },
            ],
          },
        },
        "text/markdown": { schema: { type: "string" } },
      },
    }]),
  );
}

function parametersOf(name: Endpoint): Json[] {
  const { properties = {} } = jsonSchema(REQUESTS[name], "input") as { properties?: Json };
  return Object.entries(properties).map(([parameter, schema]) => ({
    name: parameter,
    in: "query",
    required: false,
    schema,
    ...exampleOf(name, parameter),
    ...(parameter in PARAMETERS && { description: PARAMETERS[parameter] }),
  }));
}

/** The value in the first example that has the parameter. */
function exampleOf(name: Endpoint, parameter: string): Json {
  const found = EXAMPLES.find(({ endpoint, request }) => endpoint === name && parameter in request);
  return found === undefined ? {} : { example: found.request[parameter] };
}

const PARAMETERS: Record<string, string> = {
  include: "drift, usage, notifications, or several with commas between them",
  table: "An old or a new name; for analyze it can be repeated.",
  cursor: "next_cursor of the page before.",
};

function jsonSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema !== responses.findingCode) return;
      for (const member of Object.keys(jsonSchema)) delete (jsonSchema as Json)[member];
      jsonSchema.$ref = "#/components/schemas/FindingCode";
    },
  }) as Json;
  return rest;
}

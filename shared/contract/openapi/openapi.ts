/**
 * The OpenAPI 3.1 document, made from the schemas that validate requests. No deployed code imports it; `npm run openapi`
 * writes it to openapi.json in this folder.
 */
import * as z from "zod";
import { COMMON_PROBLEMS, type Endpoint, ENDPOINTS, type EndpointText } from "./endpoints.ts";
import { ANSWERS, EXAMPLES, PROBLEM_EXAMPLE } from "./examples.ts";
import { FINDINGS } from "../findings.ts";
import { NOTIFICATIONS, type NotificationType } from "../notifications.ts";
import { type ProblemCode, PROBLEMS } from "../problems.ts";
import { MAX_BODY_BYTES, REQUESTS } from "../requests.ts";
import * as responses from "../responses.ts";

type Json = Record<string, unknown>;
/** The document's named schemas. */
const COMPONENTS: Record<string, z.ZodType> = {
  OperationAnswer: responses.operationAnswer,
  ListMigrationsAnswer: responses.listMigrationsAnswer,
  ListEventsAnswer: responses.listEventsAnswer,
  ReportUsesAnswer: responses.reportUsesAnswer,
  AnalyzeAnswer: responses.analyzeAnswer,
  TableAliasesAnswer: responses.tableAliasesAnswer,
  VerifyAnswer: responses.verifyAnswer,
  Progress: responses.progress,
  Migration: responses.migration,
  Finding: responses.finding,
  Verification: responses.verification,
};

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
      Object.entries(WHEN_SENT).map(([type, when]) => [
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
          description: "A secret key of the project. It must not be used in a browser.",
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

/** The codes as JSON Schema describes members of an enumeration. */
const FINDING_CODE: Json = {
  type: "string",
  description: "What a finding is about. A breaking one stops an apply unless it is acknowledged.",
  oneOf: Object.entries(FINDINGS).map(([code, description]) => ({ const: code, description })),
};

/** When each notification is sent. */
const WHEN_SENT: Record<NotificationType, string> = {
  "migration.proposed": "A rename was proposed.",
  "migration.applied": "Tables were renamed, all of a batch.",
  "migration.failed":
    "A change was begun and could not be made: its locks could not be acquired, its time was up, or the " +
    "database refused or failed. The same failure is sent once in ten minutes; refusals are not sent.",
  "migration.rolled_back": "Renames were rolled back, or proposals withdrawn.",
  "migration.finalized": "The old names were given up.",
  "migration.verification_failed":
    "A verification, after a change or by a request to verify, failed. The same failure is sent once in ten " +
    "minutes.",
  "migration.drift_detected":
    "list-migrations found that the database no longer agrees with the record. Each kind of drift is sent " +
    "once per migration, until its view is refreshed.",
};

/** A notification, described as the operation of its receiver. */
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
      header("webhook-id", "The same at every attempt, so that repetitions can be recognized."),
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
      "2XX": { description: "The receiver has it. The answer's body is not read." },
      410: { description: "The receiver does not want it; it is not tried again." },
      default: {
        description:
          "It is tried again for 24 hours. This includes redirects, which are not followed.",
      },
    },
  };
}

const PROBLEM: Json = {
  type: "object",
  description:
    "RFC 9457, with additional fields, such as issues, findings, blockers, differences, dependants, did_you_mean.",
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
      description: "What is not valid in the request, or each refusal in a batch.",
      items: {
        type: "object",
        required: ["path", "message"],
        properties: {
          path: { type: "string", description: "The field, such as renames.3.old_name." },
          message: { type: "string" },
          code: { type: "string", description: "Of a refusal in a batch: its own code." },
          hint: { type: "string" },
        },
        additionalProperties: true,
      },
    },
    did_you_mean: {
      type: "array",
      description: "For a table that does not exist: the tables with the most similar names.",
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
    renamed: {
      type: "object",
      description: "The rename of that migration, which holds the name.",
      properties: {
        schema: { type: "string" },
        old_name: { type: "string" },
        new_name: { type: "string" },
        table_gone: { type: "boolean" },
      },
    },
  },
  additionalProperties: true,
  examples: [PROBLEM_EXAMPLE],
};

function operation(name: Endpoint, text: EndpointText): Json {
  const examples = Object.fromEntries(
    EXAMPLES.filter(({ endpoint }) => endpoint === name).map((
      { title, request: value },
    ) => [title.replaceAll(/\W+/g, "_"), { summary: title, value }]),
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
          description: "The same key and body get the recorded answer.",
          schema: { type: "string", minLength: 1, maxLength: 255 },
        },
        {
          name: "x-actor",
          in: "header",
          description: "Recorded as the actor, behind the key's name.",
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
        description: text.streams
          ? "Done; an event stream has progress before the result."
          : "Done.",
        headers: {
          "x-request-id": {
            description: "Identifies the request in logs.",
            schema: { type: "string" },
          },
          ...(text.method === "post" && {
            "idempotency-replayed": {
              description: "true if this is the recorded answer of an earlier request.",
              schema: { type: "string" },
            },
          }),
        },
        content: {
          "application/json": answer,
          ...(name === "table-aliases" && { "text/plain": { schema: { type: "string" } } }),
          ...(text.streams && {
            "text/markdown": {
              schema: { type: "string", description: "The same to be read, such as in a comment." },
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

/** One response per status, with the codes that have it. */
function problemResponses({ problems }: EndpointText): Json {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set([...COMMON_PROBLEMS, ...problems])) {
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
  include:
    "drift, usage, notifications, plan, verification, uses_in_code, or several of them, separated by commas",
  table: "An old or a new name; for analyze it can be repeated.",
  schemas: "With detail=names, in place of schema: a pattern, * is any text; can be repeated.",
  detail: "names: only which tables there are, and which refer to each other.",
  actor: "As it was recorded, such as key:default ada.",
  since: "Only events at this time or later.",
  cursor: "next_cursor of the previous page.",
  quiet_for_days: "How many days without use ready_to_finalize asks for.",
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

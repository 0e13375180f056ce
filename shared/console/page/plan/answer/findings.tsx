/// <reference lib="dom" />
/** Findings by what to do: accept or fix, read, or nothing. */
import { type ReactNode, useId } from "react";
import { FINDINGS } from "../../../../contract/findings.ts";
import type { Finding } from "../../../../contract/responses.ts";
import { visible } from "../../../../report/document/text.ts";
import { Badge, severityTone } from "../../parts/controls/badge.tsx";
import { Name } from "../../parts/name.tsx";
import { isNeeded } from "../../parts/remedy.ts";
import type { FindingGroup } from "./verdict.ts";

/** Most findings of a code that are shown before one asks for more. */
const MOST = 3;

interface Accepting {
  accepted: ReadonlySet<string>;
  onAccept: (key: string, is: boolean) => void;
}

/** @param needsAccept False if what breaks is accepted already, by the proposal. */
export function Findings(
  { groups, needsAccept, ...accepting }: Accepting & {
    groups: FindingGroup[];
    needsAccept: boolean;
  },
) {
  const of = (severity: Finding["severity"]) => groups.filter((one) => one.severity === severity);
  const [breaking, warnings, notes] = [of("breaking"), of("warning"), of("info")];
  const number = notes.reduce((sum, { findings }) => sum + findings.length, 0);
  return (
    <section className="card stack" aria-labelledby="findings-title">
      <h2 id="findings-title">What you should know</h2>
      {groups.length === 0 && <p className="quiet">No findings.</p>}
      {breaking.length > 0 && (
        <Section
          title="What breaks"
          hint={needsAccept ? "Fix it first, or accept it." : "It is accepted already."}
        >
          {breaking.map((group) => (
            <Group key={group.key} group={group}>
              {needsAccept && <Accept group={group} {...accepting} />}
            </Group>
          ))}
        </Section>
      )}
      {warnings.length > 0 && (
        <Section title="What to check" hint="It works, but not quite as before.">
          {warnings.map((group) => <Group key={group.key} group={group} />)}
        </Section>
      )}
      {notes.length > 0 && (
        <details className="fold">
          <summary>
            {number} {number === 1 ? "note" : "notes"}, nothing to do
          </summary>
          <ul className="plan-groups">
            {notes.map((group) => <Group key={group.key} group={group} />)}
          </ul>
        </details>
      )}
    </section>
  );
}

const Section = (
  { title, hint, children }: { title: string; hint: string; children: ReactNode },
) => (
  <div className="stack tight">
    <h3>
      {title} <span className="quiet plan-hint">{hint}</span>
    </h3>
    <ul className="plan-groups">{children}</ul>
  </div>
);

/** The tick by which a code is accepted. */
export function Accept({ group, accepted, onAccept }: Accepting & { group: FindingGroup }) {
  return (
    <label className="tick plan-accept">
      <input
        type="checkbox"
        checked={accepted.has(group.key)}
        onChange={({ target }) => onAccept(group.key, target.checked)}
      />
      <span>
        I accept this<span className="visually-hidden">: {group.code}</span>
      </span>
    </label>
  );
}

function Group({ group, children }: { group: FindingGroup; children?: ReactNode }) {
  const id = useId();
  const { code, severity, findings } = group;
  const remedies = new Set(findings.map(({ remedy }) => remedy));
  const remedy = remedies.size === 1 ? findings[0].remedy : undefined;
  const own = remedy === undefined;
  return (
    <li className="plan-group" data-severity={severity} aria-labelledby={id}>
      <div className="plan-group-head">
        <div>
          <h4 id={id}>{FINDINGS[code] ?? code}</h4>
          <p className="quiet">
            <Badge tone={severityTone(severity)}>{severity}</Badge> <code>{code}</code>
            {findings.length > 1 && ` · ${findings.length} times`}
          </p>
        </div>
        {children}
      </div>
      <ul className="plan-findings">
        {findings.slice(0, MOST).map((one, index) => <One key={index} finding={one} own={own} />)}
      </ul>
      {findings.length > MOST && (
        <details className="fold">
          <summary>{findings.length - MOST} more</summary>
          <ul className="plan-findings">
            {findings.slice(MOST).map((one, index) => <One key={index} finding={one} own={own} />)}
          </ul>
        </details>
      )}
      {isNeeded(remedy) && (
        <p className="plan-remedy">
          <strong>What to do:</strong> {visible(remedy)}
        </p>
      )}
    </li>
  );
}

const One = ({ finding: { object, message, remedy }, own }: { finding: Finding; own: boolean }) => (
  <li>
    <Name name={object} />
    <p>{visible(message)}</p>
    {own && isNeeded(remedy) && <p className="quiet">{visible(remedy)}</p>}
  </li>
);

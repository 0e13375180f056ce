/// <reference lib="dom" />
/** How each kind of node looks. */
import { Handle, type NodeProps, Position } from "@xyflow/react";
import type { ReactNode } from "react";
import { EFFECTS, kindTitle } from "../../parts/dependants.tsx";
import { Name } from "../../parts/name.tsx";
import { EffectMark } from "./effect_mark.tsx";
import type { KindNode, OldNameNode, SummaryNode, TableNode } from "./model.ts";

type Props<Node> = NodeProps & { data: { node: Node; onOpen: (id: string) => void } };

/** The ends of lines; they cannot be pulled. */
const Ends = ({ children }: { children: ReactNode }) => (
  <>
    <Handle type="target" position={Position.Left} isConnectable={false} />
    {children}
    <Handle type="source" position={Position.Right} isConnectable={false} />
  </>
);

const Table = ({ data: { node: { table } } }: Props<TableNode>) => (
  <Ends>
    <div className="graph-node graph-table">
      <span className="graph-kind">Table, from now on</span>
      <Name name={table.new_name} />
    </div>
  </Ends>
);

const OldName = ({ data: { node } }: Props<OldNameNode>) => (
  <Ends>
    <div className="graph-node graph-old" data-free={!node.view}>
      <span className="graph-kind">
        {node.view ? "View with the old name" : "The old name is free"}
      </span>
      <Name name={node.name} />
    </div>
  </Ends>
);

const Kind = ({ data: { node } }: Props<KindNode>) => (
  <Ends>
    <div className="graph-node graph-of-kind" data-tone={EFFECTS[node.worst].tone}>
      <span className="graph-kind">{kindTitle(node.kind)}</span>
      <ul>
        {node.items.map(({ name, effect }, index) => (
          <li key={index}>
            <EffectMark effect={effect} />
            <span className="graph-name" title={name}>
              <Name name={name} />
            </span>
          </li>
        ))}
        {node.more > 0 && <li className="quiet">and {node.more} more</li>}
      </ul>
    </div>
  </Ends>
);

const Summary = ({ id, data: { node, onOpen } }: Props<SummaryNode>) => {
  const { table, counts, worst } = node;
  return (
    <Ends>
      <button
        type="button"
        className="graph-node graph-summary nopan"
        data-tone={EFFECTS[worst].tone}
        onClick={() => onOpen(id)}
      >
        <span className="graph-name">
          <Name schema={table.schema} name={table.old_name} />
        </span>
        <span className="graph-name quiet">
          <span aria-hidden="true">→</span>
          <span className="visually-hidden">becomes</span> <Name name={table.new_name} />
        </span>
        <span className="graph-counts">
          {counts.map(({ effect, count }) => (
            <span key={effect}>
              <EffectMark effect={effect} />
              {count}
              <span className="visually-hidden">{EFFECTS[effect].text}</span>
            </span>
          ))}
          {counts.length === 0 && <span className="quiet">nothing depends on it</span>}
        </span>
      </button>
    </Ends>
  );
};

export const NODE_TYPES = { table: Table, old_name: OldName, kind: Kind, summary: Summary };

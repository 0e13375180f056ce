/// <reference lib="dom" />
/** How each kind of node looks. */
import { Handle, type NodeProps, Position } from "@xyflow/react";
import type { ReactNode } from "react";
import type { Effect } from "../../../../contract/responses.ts";
import { EFFECT_TONES, kindTitle } from "../../parts/dependants.tsx";
import { Name } from "../../parts/name.tsx";
import { EffectMark, effectText } from "./effect_mark.tsx";
import type { FrameNode, KindNode, OldNameNode, SummaryNode, TableNode } from "./model.ts";

type Props<Node> = NodeProps & { data: { node: Node; onOpen: (id: string) => void } };

/** The ends of lines, which go from left to right or downwards; they cannot be pulled. */
const Ends = ({ children }: { children: ReactNode }) => (
  <>
    <Handle type="target" id="left" position={Position.Left} isConnectable={false} />
    <Handle type="target" id="top" position={Position.Top} isConnectable={false} />
    {children}
    <Handle type="source" id="right" position={Position.Right} isConnectable={false} />
    <Handle type="source" id="bottom" position={Position.Bottom} isConnectable={false} />
  </>
);

const Frame = ({ data: { node } }: Props<FrameNode>) => (
  <Ends>
    <div className="graph-frame">{node.title}</div>
  </Ends>
);

const Table = ({ data: { node: { table } } }: Props<TableNode>) => (
  <Ends>
    <div className="graph-node graph-table">
      <span className="graph-kind">Table, with its new name</span>
      <Name name={table.new_name} />
    </div>
  </Ends>
);

const OldName = ({ data: { node } }: Props<OldNameNode>) => (
  <Ends>
    <div className="graph-node graph-old" data-free={!node.view}>
      <span className="graph-kind">
        {node.view ? "View, with the old name" : "The old name is free"}
      </span>
      <Name name={node.name} />
    </div>
  </Ends>
);

const Kind = ({ data: { node } }: Props<KindNode>) => (
  <>
    <div className="graph-node graph-of-kind" data-tone={EFFECT_TONES[node.worst]}>
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
  </>
);

/** What nobody has to look at. */
const UNAFFECTED: Effect[] = ["handled", "follows"];

const Summary = ({ id, data: { node, onOpen } }: Props<SummaryNode>) => {
  const { table, counts, worst } = node;
  const standOut = counts.filter(({ effect }) => !UNAFFECTED.includes(effect));
  const others = counts.filter(({ effect }) => UNAFFECTED.includes(effect))
    .reduce((sum, { count }) => sum + count, 0);
  return (
    <Ends>
      <button
        type="button"
        className="graph-node graph-summary"
        data-tone={EFFECT_TONES[worst]}
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
          {standOut.map(({ effect, count }) => (
            <span key={effect}>
              <EffectMark effect={effect} />
              {count}
              <span className="visually-hidden">{effectText(effect, count)}</span>
            </span>
          ))}
          <span className="quiet">
            {counts.length === 0
              ? "nothing depends on it"
              : standOut.length === 0
              ? `${others} dependants, all fine`
              : others > 0 && `${others} fine`}
          </span>
        </span>
      </button>
    </Ends>
  );
};

export const NODE_TYPES = {
  table: Table,
  old_name: OldName,
  kind: Kind,
  frame: Frame,
  summary: Summary,
};

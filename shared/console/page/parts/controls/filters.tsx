/// <reference lib="dom" />
/** A search field, and choices that are folded on a narrow screen. */
import * as Ariakit from "@ariakit/react";
import type { ReactNode } from "react";

/**
 * @param label What is searched, for screen readers.
 * @param hint What can be typed.
 */
export const SearchField = (
  { label, hint, text, onText }: {
    label: string;
    hint: string;
    text: string;
    onText: (text: string) => void;
  },
) => (
  <label className="grow">
    <span className="visually-hidden">{label}</span>
    <input
      className="field"
      type="search"
      placeholder={hint}
      value={text}
      onChange={({ target }) => onText(target.value)}
    />
  </label>
);

/** @param set How many of the choices are made. */
export const FoldedChoices = ({ set, children }: { set: number; children: ReactNode }) => (
  <>
    <div className="row wide-only">{children}</div>
    <div className="narrow-only">
      <Ariakit.PopoverProvider placement="bottom-end">
        <Ariakit.PopoverDisclosure className="button">
          Filter{set > 0 && <>: {set}</>}
        </Ariakit.PopoverDisclosure>
        <Ariakit.Popover className="popover stack" gutter={4} aria-label="Filter" unmountOnHide>
          {children}
        </Ariakit.Popover>
      </Ariakit.PopoverProvider>
    </div>
  </>
);

/** One of several values; each is its own text where none is given. */
export const Choice = <Value extends string>(
  { label, value, options, onChoose }: {
    label: string;
    value: Value;
    options: (Value | [value: Value, text: string])[];
    onChoose: (value: Value) => void;
  },
) => (
  <label className="row tight choice">
    <span className="quiet">{label}</span>
    <select
      className="field"
      value={value}
      onChange={({ target }) => onChoose(target.value as Value)}
    >
      {options.map((option) => {
        const [value, text] = Array.isArray(option) ? option : [option, option];
        return <option key={value} value={value}>{text}</option>;
      })}
    </select>
  </label>
);

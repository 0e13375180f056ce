import type { ComponentProps } from "react";

/** @param variant `primary` for the one next step of a place, `danger` for what cannot be undone. */
export const Button = (
  { variant = "plain", ...rest }: ComponentProps<"button"> & {
    variant?: "plain" | "primary" | "danger" | "link";
  },
) => <button type="button" className="button" data-variant={variant} {...rest} />;

import { useState } from "react";
import { chooseTheme, chosenTheme, type Theme } from "../../theme.ts";

export function ThemeChoice() {
  const [theme, setTheme] = useState(chosenTheme);
  return (
    <label className="row tight">
      <span className="quiet">Colours</span>
      <select
        className="field"
        value={theme}
        onChange={({ target }) => {
          chooseTheme(target.value as Theme);
          setTheme(target.value as Theme);
        }}
      >
        <option value="system">system</option>
        <option value="light">light</option>
        <option value="dark">dark</option>
      </select>
    </label>
  );
}

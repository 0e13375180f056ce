/// <reference lib="dom" />
/** What is shown in place of the page where drawing it failed: the page would be blank otherwise. */
import { Component, type ReactNode } from "react";
import { Button } from "./button.tsx";
import { ProblemBox } from "../problem_box.tsx";

export class FaultBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <main className="main">
        <h1>The page has a fault</h1>
        <ProblemBox error={error}>
          <p>
            Nothing of the project was changed by it. Start over to forget what this tab has kept:
            the chosen tables, and the list of its changes.
          </p>
          <div className="row">
            <Button variant="primary" onClick={startOver}>Start over</Button>
          </div>
        </ProblemBox>
      </main>
    );
  }
}

function startOver(): void {
  sessionStorage.clear();
  location.assign("/");
}

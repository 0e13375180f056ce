export default function View() {
  return <h1>plan</h1>;
}

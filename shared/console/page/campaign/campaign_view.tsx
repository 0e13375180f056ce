export default function View() {
  return <h1>campaign</h1>;
}

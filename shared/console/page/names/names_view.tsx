export default function View() {
  return <h1>names</h1>;
}

export default function View() {
  return <h1>live</h1>;
}

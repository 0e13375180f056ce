export default function View() {
  return <h1>events</h1>;
}

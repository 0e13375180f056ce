/** What a browser sees that has not opened the page by its link. */

const MESSAGES = {
  used: "This link was already used, or is too old. A link opens the page once, within 15 minutes.",
  unknown:
    "This browser has not opened the page yet. Open the link that the command printed in your terminal.",
};

export function entrancePage(why: keyof typeof MESSAGES): Response {
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Table renames: open the link</title>
<h1>Open the link from your terminal</h1>
<p>${MESSAGES[why]}</p>
<p>For a new link, press Enter in the terminal where the command runs.</p>
</html>
`;
  return new Response(html, {
    status: 401,
    headers: { "content-type": "text/html; charset=utf-8" },
  });
}

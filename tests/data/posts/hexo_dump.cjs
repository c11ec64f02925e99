// Builds the Hexo blog in the current folder and prints what it made of each post, as JSON.
const { createRequire } = require("module");
const Hexo = createRequire(process.cwd() + "/package.json")("hexo");

async function main() {
  const hexo = new Hexo(process.cwd(), { silent: true });
  await hexo.init();
  await hexo.call("generate", {});
  const pages = hexo.locals.get("posts").toArray().map((post) => ({
    file: post.source.replace(/^_posts\//, ""),
    title: post.title,
    date: post.date.toISOString(),
    // A tree: each name with its parent's.
    categories: post.categories.toArray().map((category) => category.name),
    depth: post.categories.toArray().map((category) => (category.parent ? 1 : 0)),
    content: post.content,
    headimg: post.headimg ?? null,
  }));
  await hexo.exit();
  process.stdout.write(JSON.stringify(pages));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

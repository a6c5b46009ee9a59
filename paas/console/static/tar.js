// Packs files into a tar without reading them into memory: a Blob of headers and files.

const BLOCK = 512;
const encoder = new TextEncoder();

/** The tar of `files` ({ path, file }), the `.git` directory left out. */
export async function pack(files) {
  const parts = [];
  for (const { path, file } of files) {
    if (path.split("/").includes(".git")) continue;
    const name = encoder.encode(path);
    const mode = (await isProgram(file)) ? 0o755 : 0o644;
    if (name.length > 100) parts.push(header(encoder.encode("././@LongLink"), name.length + 1, 0o644, "L"), padded(name, name.length + 1));
    parts.push(header(name.slice(0, 100), file.size, mode, "0"), file, new Uint8Array(-file.size & (BLOCK - 1)));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return new Blob(parts, { type: "application/x-tar" });
}

/** Browsers do not tell modes: scripts and ELF programs begin in known ways. */
async function isProgram(file) {
  const [a, b, c, d] = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  return (a === 0x23 && b === 0x21) || (a === 0x7f && b === 0x45 && c === 0x4c && d === 0x46);
}

function padded(bytes, size) {
  const block = new Uint8Array(Math.ceil(size / BLOCK) * BLOCK);
  block.set(bytes);
  return block;
}

function header(name, size, mode, type) {
  const block = new Uint8Array(BLOCK);
  const octal = (at, width, value) => block.set(encoder.encode(value.toString(8).padStart(width - 1, "0")), at);
  block.set(name, 0);
  octal(100, 8, mode);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, size);
  octal(136, 12, Math.floor(Date.now() / 1000));
  block.fill(0x20, 148, 156);
  block[156] = type.charCodeAt(0);
  block.set(encoder.encode("ustar  "), 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(encoder.encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return block;
}

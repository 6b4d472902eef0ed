#!/usr/bin/env node
// Starts the command line: the TypeScript itself in a checkout, what `tsc -b` made of it in a published package.
import { existsSync } from 'node:fs'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(
    `Pawl needs Node 24.15 or newer and this is ${process.versions.node}: install a newer Node, or in the checkout run it as npx pawl.\n`,
  )
  process.exit(3)
}

const source = new URL('../src/cli/main.ts', import.meta.url)
const entry = existsSync(source) ? source : new URL('../dist/cli/main.js', import.meta.url)
const { main } = await import(entry.href)
process.exitCode = await main(process.argv.slice(2))

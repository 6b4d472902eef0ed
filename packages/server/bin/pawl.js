#!/usr/bin/env node
// Starts the command line: the TypeScript itself in a checkout, what `tsc -b` made of it in a published package.
import { existsSync } from 'node:fs'
import * as module from 'node:module'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(
    `Pawl needs Node 24.15 or newer and this is ${process.versions.node}: install a newer Node, or in the checkout run it as npx pawl.\n`,
  )
  process.exit(3)
}

const source = new URL('../src/cli/main.ts', import.meta.url)
const isCheckout = existsSync(source)
const entry = isCheckout ? source : new URL('../dist/cli/main.js', import.meta.url)
// Half of a command's time is compiling. What is compiled is kept beside the packages, where nobody writes who could not
// change the code itself; the shared directory Node would choose is none of that. Where it cannot be kept, nothing is.
const cache = new URL(isCheckout ? '../../../node_modules/.cache/pawl' : '../../.cache/pawl', import.meta.url)
module.enableCompileCache(fileURLToPath(cache))
const { main } = await import(entry.href)
process.exitCode = await main(process.argv.slice(2))

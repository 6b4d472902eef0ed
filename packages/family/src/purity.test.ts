/** The rule is pure: what it could not be given as an argument does not exist for it. The compiler and this file see to it. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'node:test'

const source = import.meta.dirname
const sources = readdirSync(source).filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))

/** What `lib: es2024` brings although it reads a clock, rolls dice, loads code or keeps state outside the arguments. */
const impure =
  /\b(?:Date|Math\s*\.\s*random|performance|Intl|globalThis|eval|Function|Promise|async|WeakRef)\b|\b(?:import|require)\s*\(|^(?:let|var)\s/m

/** One use of each thing that the compiler must not know, as the body of a module of its own. */
const unknown: { readonly [name: string]: string } = {
  fetch: "fetch('https://example.com')",
  process: 'process.env',
  crypto: 'crypto.randomUUID()',
  setTimeout: 'setTimeout(() => null, 1)',
  setInterval: 'setInterval(() => null, 1)',
  queueMicrotask: 'queueMicrotask(() => null)',
  performance: 'performance.now()',
  console: "console.log('')",
  document: 'document.cookie',
  Buffer: "Buffer.from('')",
  require: "require('node:fs')",
}

describe('the package', () => {
  it('has sources to look at', () => {
    assert.ok(sources.includes('present.ts') && sources.includes('index.ts'), sources.join(' '))
  })

  for (const name of sources) {
    it(`reads no clock, rolls no dice and keeps no state in ${name}`, () => {
      assert.equal(impure.exec(codeOf(name))?.[0], undefined)
    })

    it(`imports nothing from outside in ${name}`, () => {
      const specifiers = [...codeOf(name).matchAll(/\bfrom\s+'([^']*)'|\bimport\s+'([^']*)'/g)].map(
        found => found[1] ?? found[2],
      )
      for (const specifier of specifiers) assert.match(specifier ?? '', /^\.\/[a-z-]+\.ts$/)
    })
  }

  it('sees what is impure', () => {
    const bad = [
      'new Date()',
      'Date.now()',
      'Math.random()',
      'performance.now()',
      "await import('./x.ts')",
      'let count = 0',
    ]
    for (const code of bad) assert.match(code, impure)
    for (const code of ['Math.max(1, 2)', 'updateDate(1)', 'const x = 1', '  let inside = 1'])
      assert.doesNotMatch(code, impure)
  })

  it('depends on no other package', () => {
    const manifest: unknown = JSON.parse(readFileSync(join(source, '../package.json'), 'utf8'))
    assert.ok(typeof manifest === 'object' && manifest !== null)
    assert.deepEqual(
      Object.keys(manifest).filter(key => /dependencies/i.test(key)),
      [],
    )
  })

  it('does not compile where it touches the world outside', () => {
    const complaints = compile(unknown)
    for (const name of Object.keys(unknown)) {
      const file = `${name.toLowerCase()}.ts`
      assert.match(complaints, new RegExp(`^${file}\\(1,\\d+\\): error TS2\\d+: Cannot find name '${name}'`, 'm'))
    }
  })

  it('compiles where it does not', () => {
    assert.equal(compile({ Plain: 'Math.max(1, 2)' }), '')
  })
})

/** The code of a source file without its comments. */
function codeOf(name: string): string {
  return readFileSync(join(source, name), 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*/g, '')
}

/** What the compiler says, under the package's own configuration, to a module for each expression. */
function compile(expressions: { readonly [name: string]: string }): string {
  const directory = mkdtempSync(join(tmpdir(), 'pawl-purity-'))
  try {
    for (const [name, expression] of Object.entries(expressions)) {
      writeFileSync(join(directory, `${name.toLowerCase()}.ts`), `export const outcome: unknown = ${expression}\n`)
    }
    const compilerOptions = { rootDir: '.', noEmit: true, composite: false, tsBuildInfoFile: null }
    const configuration = { extends: join(source, '../tsconfig.json'), compilerOptions, include: ['*.ts'], exclude: [] }
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(configuration))
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module' }))
    const compiler = join(fileURLToPath(import.meta.resolve('typescript/package.json')), '../bin/tsc')
    const run = spawnSync(process.execPath, [compiler, '-p', '.', '--pretty', 'false'], {
      cwd: directory,
      encoding: 'utf8',
    })
    assert.equal(run.error, undefined)
    return run.stdout
  } finally {
    rmSync(directory, { recursive: true })
  }
}

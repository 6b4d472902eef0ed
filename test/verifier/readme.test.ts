/** The code that the README shows is code: each block is a file of `readme/`, which the compiler reads. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const directory = join(import.meta.dirname, 'readme')
const readme = readFileSync(join(import.meta.dirname, '../../packages/verifier/README.md'), 'utf8')

describe('the README of the verifier', () => {
  it('shows the files that are compiled, whole and unchanged, and no other code', () => {
    const shown = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
    const compiled = readdirSync(directory).map(name => readFileSync(join(directory, name), 'utf8'))
    assert.deepEqual(shown.toSorted(), compiled.toSorted())
  })
})

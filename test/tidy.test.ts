import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { disagreements } from '../tools/attack-ids.ts'
import { codeOf } from '../tools/code-of.ts'
import { requirementsAreProven } from '../tools/requirements.ts'
import {
  architectureNamesAll,
  classesAreErrors,
  clockTests,
  everyTestFileAsserts,
  everyTestFileTests,
  kebabCaseNames,
  limitsAreThose,
  linksLead,
  lockIsWhole,
  noHomelessNames,
  noMachineIsNamed,
  noTestAsksAClock,
  noTestIsLeftOut,
  onlyIndexReExports,
  type Rule,
  repositoryFiles,
  type TextFile,
  timeAndChanceComeIn,
  timeAndChanceHomes,
  todosNameAnIssue,
} from '../tools/tidy.ts'

/** Each rule with files that keep it and files that break it, every one of these in exactly one place. */
interface Case {
  readonly rule: Rule
  readonly keeps: { readonly [path: string]: string }
  readonly breaks: { readonly [path: string]: string }
}

const source = 'packages/server/src/domain'

const cases: { readonly [sentence: string]: Case } = {
  'has no file or folder whose name says nothing': {
    rule: noHomelessNames,
    keeps: { 'src/utility-bill.ts': '', 'src/token-type.ts': '' },
    breaks: {
      'src/utils.ts': '',
      'helpers/a.ts': '',
      'lib/a.ts': '',
      'src/types.ts': '',
      'src/misc.test.ts': '',
      'src/common.js': '',
    },
  },
  'names its sources in kebab-case': {
    rule: kebabCaseNames,
    keeps: { 'src/two-words.test.ts': '', 'README.md': '', '.oxlintrc.json': '' },
    breaks: { 'src/twoWords.ts': '', 'src/Upper.ts': '', 'under_score/a.ts': '', 'src/dou--ble.ts': '' },
  },
  're-exports in the index of a package only': {
    rule: onlyIndexReExports,
    keeps: {
      'packages/family/src/index.ts': `export { a } from './a.ts'`,
      'packages/family/src/testing/index.ts': `export { a } from './a.ts'`,
      'a.ts': `export const a = 1\nimport { b } from './b.ts'`,
    },
    breaks: {
      'a.ts': `export { b } from './b.ts'`,
      'b.ts': `export type {\n  C,\n} from './c.ts'`,
      'c.ts': `export * from './d.ts'`,
      'packages/family/src/deep/index.ts': `export * as a from './a.ts'`,
    },
  },
  'lets time and chance in through two files only': {
    rule: timeAndChanceComeIn,
    keeps: {
      ...Object.fromEntries(Object.keys(timeAndChanceHomes).map(path => [path, 'Date.now()'])),
      [`${source}/a.ts`]: `// new Date() would be wrong\nconst text = 'Date.now()'\nconst randomBytes = 32`,
      [`${source}/a.test.ts`]: 'Date.now()',
      'tools/a.ts': 'Date.now()',
    },
    breaks: {
      [`${source}/a.ts`]: 'const now = new Date()',
      [`${source}/b.ts`]: 'const text = `at ${Date.now()}`',
      [`${source}/c.ts`]: 'Math.random()',
      [`${source}/d.ts`]: 'crypto.randomUUID()',
      [`${source}/e.ts`]: 'randomBytes(16)',
      [`${source}/f.ts`]: 'performance.now()',
      [`${source}/g.ts`]: 'process.hrtime()',
    },
  },
  'lets no test ask a clock': {
    rule: noTestAsksAClock,
    keeps: {
      ...Object.fromEntries(Object.keys(clockTests).map(path => [path, 'Date.now()'])),
      'a.test.ts': `await once(server, 'listening') // not performance.now()`,
      'bench/a.ts': 'performance.now()',
    },
    breaks: {
      'a.test.ts': 'assert.ok(performance.now() - startedMs < 100)',
      'b.test.ts': 'process.hrtime.bigint()',
      'c.test.ts': 'process.cpuUsage(before).user',
      'd.test.ts': 'Date.now()',
    },
  },
  'leaves nothing to do without an issue number': {
    rule: todosNameAnIssue,
    keeps: { 'a.ts': `// ${'TO'}DO(#12): sharpen` },
    breaks: { 'a.ts': `// ${'TO'}DO: sharpen`, 'b.ts': `/* ${'FIX'}ME */`, 'c.ts': `// ${'TO'}DO(somebody)` },
  },
  'has classes for errors only': {
    rule: classesAreErrors,
    keeps: {
      'a.ts': 'export class Refused extends Error {',
      'b.ts': 'class A extends RangeError {}',
      'c.ts': '// class B {}',
    },
    breaks: {
      'a.ts': 'export class Store {',
      'b.ts': 'class A extends Map<string, string> {}',
      'c.ts': 'const a = class {}',
    },
  },
  'leaves no test out': {
    rule: noTestIsLeftOut,
    keeps: { 'a.test.ts': `it('skips nothing', () => {})` },
    breaks: {
      'a.test.ts': ['it', `skip('a')`].join('.'),
      'b.test.ts': ['test', `todo('a')`].join('.'),
      'c.test.ts': ['describe', `only('a')`].join('.'),
      'd.test.ts': `it('a', { ${'skip'}: true }, () => {})`,
    },
  },
  'asserts something in every test file': {
    rule: everyTestFileAsserts,
    keeps: { 'a.test.ts': `it('a', () => {\n  assert.equal(1, 1)\n})`, 'fixture.test.ts': 'export const a = 1' },
    breaks: { 'a.test.ts': `it('a', () => {})`, 'b.test.ts': `it('asserts', () => {\n  // assert.ok(true)\n})` },
  },
  'has tests in every test file, or a use for it': {
    rule: everyTestFileTests,
    keeps: {
      'a.test.ts': `import { b } from './b.test.ts'\nit('a', () => {})`,
      'b.test.ts': 'export const b = 1',
      'c.test.ts': `import { prove } from './contract.test.ts'`,
    },
    breaks: { 'a.test.ts': `export const a = 1`, 'b.test.ts': `// it('a')` },
  },
  'names no machine and no registry': {
    rule: noMachineIsNamed,
    keeps: { 'a.md': 'https://www.npmjs.com/package/jose and a/worker/b' },
    breaks: {
      'a.md': `see ${['', 'work', 'main'].join('/')}`,
      'b.json': `https://${['registry', 'npmjs', 'org'].join('.')}/a`,
    },
  },
  'is drawn whole in ARCHITECTURE.md': {
    rule: architectureNamesAll,
    keeps: { 'ARCHITECTURE.md': 'packages/ family/ docs/', 'packages/family/package.json': '', 'docs/a.md': '' },
    breaks: { 'docs/a.md': '', 'packages/package.json': '' },
  },
  'locks the packages of every platform': {
    rule: lockIsWhole,
    keeps: {
      'package-lock.json': JSON.stringify({
        packages: {
          'node_modules/a': { optionalDependencies: { 'a-linux': '1.0.0' } },
          'node_modules/a-linux': {},
          'packages/b': {},
        },
      }),
      'packages/b/package.json': '{}',
    },
    breaks: {
      'package-lock.json': JSON.stringify({
        packages: { 'node_modules/a': { optionalDependencies: { 'a-mac': '1' } } },
      }),
      'examples/b/package.json': '{}',
    },
  },
  'says of limits what the code says': {
    rule: limitsAreThose,
    keeps: {
      'docs/a.md': '| `waitersMax` | 1,024 | a |\n| `keptSeconds` | 604,800 | b |\n| `prose` | a word | c |',
      [`${source}/a.ts`]: 'export const waitersMax = 1024\nexport const keptSeconds = 7 * 86_400',
    },
    breaks: { 'docs/a.md': '| `waitersMax` | 1,023 | a |', 'docs/b.md': '| `unheardOf` | 5 | a |' },
  },
  'proves every requirement by a test that is there': {
    rule: requirementsAreProven,
    keeps: {
      'docs/requirements-a.md': requirement('RT-01; opens a door; shuts 2 doors; `test/b.test.ts`: is called twice'),
      'docs/b.md': '| A | B |\n|---|---|\n| a | |',
      'test/a.test.ts': `it('AC-01, RT-01 end', 1)\nit(\n'opens a door, and more')\nit("is called twice", 1)`,
      'test/b.test.ts': `for (const n of ['2']) it(\`shuts \${n} doors\`)\nit('is called twice')\nit('is called twice and more')`,
    },
    breaks: {
      'docs/requirements-a.md': requirement(''),
      'docs/requirements-b.md': requirement('is heard of nowhere'),
      'docs/requirements-c.md': requirement('opens a do; is called twice; shuts 3 doors'),
      'docs/requirements-d.md': '| A | Test |\n|---|---|\n',
      'docs/requirements-e.md': '| Clause | What is asked | Test |\n|---|---|---|\n| §1 | opens a door |\n',
      'test/a.test.ts': `it('opens a door')\nit('is called twice, now')\nit('is called twice, or more')`,
      'test/b.test.ts': `for (const n of ['2']) it(\`shuts \${n} doors\`)`,
    },
  },
  'has no link that leads nowhere': {
    rule: linksLead,
    keeps: {
      'README.md': '[a](docs/a.md) [b](docs/a.md#two-words) [c](#here) [d](https://x.example/) [e](docs)\n# Here',
      'docs/a.md': '[up](../README.md)\n## Two words!',
    },
    breaks: { 'README.md': '[a](docs/b.md)', 'docs/a.md': '[up](README.md)', 'docs/c.md': '[x](a.md#none)' },
  },
}

const files = repositoryFiles(join(import.meta.dirname, '..'))

describe('the repository', () => {
  for (const [sentence, { rule }] of Object.entries(cases)) {
    it(sentence, () => {
      assert.deepEqual(rule(files), [])
    })
  }

  it('has a test for every attack in docs/attacks.md, and a row there for every attack in a test', () => {
    const table = files.find(({ path }) => path === 'docs/attacks.md')?.text ?? ''

    assert.deepEqual(
      disagreements(
        table,
        files.filter(({ path }) => path !== 'test/tidy.test.ts'),
      ),
      [],
    )
  })

  it('is read at all', () => {
    assert.ok(files.some(({ path }) => path === 'packages/family/src/present.ts'))
    assert.ok(!files.some(({ path }) => path.includes('node_modules') || path.startsWith('.git/')))
  })
})

describe('a rule of the repository', () => {
  for (const [sentence, { rule, keeps, breaks }] of Object.entries(cases)) {
    it(`sees when it no longer ${sentence}`, () => {
      const paths = rule(toFiles(breaks)).map(finding => finding.split(':')[0])

      assert.equal(paths.length, Object.keys(breaks).length, rule(toFiles(breaks)).join('\n'))
    })

    it(`is content while it ${sentence}`, () => {
      assert.deepEqual(rule(toFiles(keeps)), [])
    })
  }

  it('sees an attack without test, one without row, one with two rows and one hidden in the middle of a title', () => {
    const test = (title: string): readonly TextFile[] => [{ path: 'a.test.ts', text: `it('${title}', () => {})` }]
    const row = '| RT-01 | fifty at once | one successor |'

    assert.deepEqual(disagreements(row, test('RT-01 answers fifty alike')), [])
    assert.deepEqual(disagreements(`${row}\n| RT-02 | a | b |`, test('RT-01, RT-02 answer fifty alike')), [])
    assert.equal(disagreements(row, test('answers fifty alike')).length, 1)
    assert.equal(disagreements('', test('RT-01 answers fifty alike')).length, 1)
    assert.equal(disagreements(`${row}\n${row}`, test('RT-01 answers fifty alike')).length, 1)
    assert.equal(disagreements(row, test('answers fifty alike (RT-01)')).length, 2)
  })
})

describe('codeOf', () => {
  it('blanks comments, strings, templates and patterns, and keeps lines and columns', () => {
    const text = "a('x // y') // z\n/* b\n c */ d = /['\"`/]+/g; e(`f ${g({ h: 'i' })} j`) / 2"
    const code = codeOf(text)

    assert.equal(code.replace(/ +/g, ' '), 'a( ) \n \n d = g; e( g({ h: }) ) / 2')
    assert.deepEqual(
      code.split('\n').map(line => line.length),
      text.split('\n').map(line => line.length),
    )
    assert.equal(code.lastIndexOf('e('), text.lastIndexOf('e('))
  })
})

function toFiles(tree: { readonly [path: string]: string }): readonly TextFile[] {
  return Object.entries(tree).map(([path, text]) => ({ path, text }))
}

/** A table of requirements with one row that names these tests. */
function requirement(tests: string): string {
  return `| Clause | What is asked | Test |\n|---|---|---|\n| §1 | a door | ${tests} |\n`
}

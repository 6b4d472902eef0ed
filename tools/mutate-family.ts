/**
 * Proves that the tests of the rule see every slip in it. Copies `packages/family/src` aside, makes one small mistake at
 * a time (a comparison, a boolean, a number, `min` for `max`, the branches of a condition), runs the fast tests against
 * each, and fails when any mistake goes unnoticed that is not listed below with the reason why nobody could notice it.
 *
 *     node tools/mutate-family.ts
 */

import { spawn } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { codeOf } from './code-of.ts'

interface Mutant {
  readonly file: string
  readonly line: number
  /** The source line that is changed, trimmed. */
  readonly source: string
  readonly from: string
  readonly to: string
  readonly text: string
}

/** A change that leaves the meaning alone, and why. One that no longer survives must go from the list. */
interface Equivalent {
  readonly source: string
  readonly from: string
  readonly to: string
  readonly because: string
}

const equivalents: readonly Equivalent[] = []

const mutated = ['cut-offs.ts', 'expiry.ts', 'family.ts', 'present.ts', 'recent-uses.ts', 'weakness.ts']
/** The million steps take too long to repeat for each mutant; the purity test looks at text, not at behaviour. */
const slowTests = ['model.test.ts', 'purity.test.ts', 'explain.test.ts']
/** A mutant that takes longer than this loops for ever, and was noticed. */
const runSecondsMax = 60
const workersMax = 4

const family = join(import.meta.dirname, '../packages/family')

/** Every way to write a token wrongly. The sources are formatted, so that an operator stands between spaces. */
const slips: readonly { readonly token: RegExp; readonly wrong: (token: string) => readonly string[] }[] = [
  {
    token: /(?<= )(?:===|!==|<=|>=|<|>|&&|\|\||\+|-|\*|\/|%|\|=)(?= |$)/gm,
    wrong: operator => wrongOperators[operator] ?? [],
  },
  { token: /\bMath\.(?:min|max|floor)\b/g, wrong: name => wrongOperators[name] ?? [] },
  { token: /\b(?:true|false)\b/g, wrong: word => [word === 'true' ? 'false' : 'true'] },
  { token: /!(?=[a-z])/g, wrong: () => [''] },
  { token: /\+\+/g, wrong: () => ['--'] },
  { token: /(?<![\w.])\d\w*/g, wrong: wrongNumbers },
]

const wrongOperators: { readonly [operator: string]: readonly string[] } = {
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '&&': ['||'],
  '||': ['&&'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['/'],
  '|=': ['&='],
  'Math.min': ['Math.max'],
  'Math.max': ['Math.min'],
  'Math.floor': ['Math.ceil'],
}

process.exitCode = await main()

async function main(): Promise<number> {
  const mutants = mutated.flatMap(mutantsOf)
  const workplace = mkdtempSync(join(tmpdir(), 'pawl-mutants-'))
  try {
    const workers = Math.min(workersMax, availableParallelism())
    const places = Array.from({ length: workers }, (_, number) => prepare(join(workplace, String(number))))
    const [first = ''] = places
    if (!(await passes(first))) {
      console.error('The tests fail without any mutation: mend them first.')
      return 1
    }
    const startedAtMs = performance.now()
    const queue = mutants.values()
    const survivors = (await Promise.all(places.map(place => work(place, queue)))).flat()
    const seconds = Math.round((performance.now() - startedAtMs) / 1000)
    return conclude(mutants.length, survivors, seconds)
  } finally {
    rmSync(workplace, { recursive: true })
  }
}

function conclude(total: number, survivors: readonly Mutant[], seconds: number): number {
  const missed = survivors.filter(mutant => !equivalents.some(entry => isSame(entry, mutant)))
  const idle = equivalents.filter(entry => !survivors.some(mutant => isSame(entry, mutant)))
  for (const { file, line, source, from, to } of missed) {
    console.error(`packages/family/src/${file}:${line}: no test notices ${from} -> ${to} in: ${source}`)
  }
  for (const { source, from, to } of idle) {
    console.error(`The list of equivalents names a mutant that is noticed or gone: ${from} -> ${to} in: ${source}`)
  }
  const excused = survivors.length - missed.length
  console.log(`${total} mutants, ${missed.length} survivors, ${excused} equivalent, in ${seconds} s`)
  return missed.length + idle.length === 0 ? 0 : 1
}

function isSame(entry: Equivalent, mutant: Mutant): boolean {
  return entry.source === mutant.source && entry.from === mutant.from && entry.to === mutant.to
}

/** A copy of the sources and the fast tests, laid out like the package. */
function prepare(place: string): string {
  mkdirSync(place)
  cpSync(join(family, 'src'), join(place, 'src'), { recursive: true })
  cpSync(join(family, 'package.json'), join(place, 'package.json'))
  for (const name of slowTests) rmSync(join(place, 'src', name))
  return place
}

/** Takes mutants from the queue that all workers share, until it is empty; answers those that lived. */
async function work(place: string, queue: Iterable<Mutant>): Promise<readonly Mutant[]> {
  const survivors: Mutant[] = []
  for (const mutant of queue) {
    const path = join(place, 'src', mutant.file)
    const original = readFileSync(path, 'utf8')
    writeFileSync(path, mutant.text)
    if (await passes(place)) survivors.push(mutant)
    writeFileSync(path, original)
  }
  return survivors
}

function passes(place: string): Promise<boolean> {
  const tests = globSync('src/*.test.ts', { cwd: place })
  return new Promise((resolve, reject) => {
    const words = ['--test', '--test-isolation=none', '--test-reporter=dot', ...tests]
    // All files but one are the same in every run; their types are stripped once.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(place, 'compiled') }
    const limits = { timeout: runSecondsMax * 1000, killSignal: 'SIGKILL' } as const
    const child = spawn(process.execPath, words, { cwd: place, env, stdio: 'ignore', ...limits })
    child.once('error', reject)
    child.once('close', code => resolve(code === 0))
  })
}

function wrongNumbers(literal: string): readonly string[] {
  const value = Number(literal.replaceAll('_', ''))
  return value === 0 ? ['1'] : [String(value - 1), String(value + 1)]
}

function mutantsOf(file: string): readonly Mutant[] {
  const text = readFileSync(join(family, 'src', file), 'utf8')
  const code = withoutTypes(codeOf(text))
  const change = (at: number, from: string, to: string): Mutant => {
    const line = text.slice(0, at).split('\n').length
    const changed = text.slice(0, at) + to + text.slice(at + from.length)
    assertParses(changed, file, line)
    return { file, line, source: text.split('\n')[line - 1]?.trim() ?? '', from, to, text: changed }
  }
  const tokens = slips.flatMap(({ token, wrong }) =>
    [...code.matchAll(token)].flatMap(({ 0: found, index }) => wrong(found).map(to => change(index, found, to))),
  )
  return [...tokens, ...conditionsOf(code, text, change), ...branchesOf(code, text, change)]
}

/** A mutant that is no program would fail every test and prove nothing. */
function assertParses(text: string, file: string, line: number): void {
  try {
    stripTypeScriptTypes(text)
  } catch (cause) {
    throw new Error(`the mutation of ${file}:${line} does not parse`, { cause })
  }
}

type Change = (at: number, from: string, to: string) => Mutant

/** `if (a)` as if `a` were always true, and as if it were never. */
function conditionsOf(code: string, text: string, change: Change): readonly Mutant[] {
  return [...code.matchAll(/\bif \(/g)].flatMap(({ index }) => {
    const from = index + 'if ('.length
    const condition = text.slice(from, endOfExpression(code, from))
    return [change(from, condition, 'true'), change(from, condition, 'false')]
  })
}

/** `a ? b : c` as `a ? c : b`. */
function branchesOf(code: string, text: string, change: Change): readonly Mutant[] {
  return [...code.matchAll(/ \? /g)].map(({ index }) => {
    const yes = index + ' ? '.length
    const colon = endOfExpression(code, yes)
    const no = colon + ' : '.length
    const end = endOfExpression(code, no)
    return change(yes, text.slice(yes, end), `${text.slice(no, end)} : ${text.slice(yes, colon)}`)
  })
}

/** Where the expression that begins at `from` ends: at a comma, a colon, a line end or a bracket that it did not open. */
function endOfExpression(code: string, from: number): number {
  let depth = 0
  for (let at = from; at < code.length; at += 1) {
    const character = code[at] ?? ''
    if (depth === 0 && (/[,;\n)\]}]/.test(character) || code.startsWith(' : ', at))) return at
    if (/[([{]/.test(character)) depth += 1
    if (/[)\]}]/.test(character)) depth -= 1
  }
  return code.length
}

/** Blanks imports, type arguments and declarations of types, where a slip changes nothing that runs. */
function withoutTypes(code: string): string {
  const declarations =
    /^import [^]*?(?:\n\n|\n(?=import))|^(?:export )?interface [^]*?\n\}|^(?:export )?type [^]*?\n(?=\n)|\b[A-Z]\w*<[^()]*?>/gm
  return code.replace(declarations, found => found.replace(/[^\n]/g, ' '))
}

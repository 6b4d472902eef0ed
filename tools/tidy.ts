/**
 * The rules of the repository that no linter knows. Each is a function from the files to what is wrong with them, in
 * `path:line: sentence` form; `test/tidy.test.ts` applies them to the repository, and to bad files to see them fail.
 */

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dirname, join as joinPath, normalize } from 'node:path/posix'
import { codeOf } from './code-of.ts'

export interface TextFile {
  /** Relative to the repository, with `/`. */
  readonly path: string
  readonly text: string
}

export type Rule = (files: readonly TextFile[]) => readonly string[]

/** Every file of the repository that people write: not what `.gitignore` names, not the lock file, no picture. */
export function repositoryFiles(root: string): readonly TextFile[] {
  const ignored = ['**/node_modules/**', '**/dist/**', '.git/**', '.tsbuild/**', '**/.pawl/**', 'bench/results/**']
  const pictures = ['**/*.png', '**/*.ico', '**/*.log']
  return (
    globSync(['**/*', '.*', '.*/**/*'], { cwd: root, withFileTypes: true, exclude: [...ignored, ...pictures] })
      .filter(entry => entry.isFile())
      .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
      // In a second working tree it is a file, which says where the first one is.
      .filter(path => path !== '.git' && !path.startsWith('.git/'))
      .sort()
      .map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }))
  )
}

/** A name that says nothing is where code without a home ends up. */
export const noHomelessNames: Rule = files => {
  const homeless = /^(?:utils?|helpers?|common|shared|lib|misc|types)$/
  return named(files, part => homeless.test(part), 'names no idea: call it after what it is for')
}

export const kebabCaseNames: Rule = files => {
  const sources = files.filter(file => /\.(?:ts|js)$/.test(file.path))
  const kebab = /^\.?[a-z0-9]+(?:-[a-z0-9]+)*$/
  return named(sources, part => part !== '' && !kebab.test(part), 'is not in kebab-case')
}

/** A second way to import a thing hides where it lives; only a package's front doors re-export: its own, and its kit for tests. */
export const onlyIndexReExports: Rule = files =>
  sourcesOf(files)
    .filter(file => !/^packages\/[^/]+\/src\/(?:testing\/)?index\.ts$/.test(file.path))
    .flatMap(file =>
      [...file.text.matchAll(/^export\s+(?:type\s+)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?)\s+from\s+'/gm)].map(
        match => `${file.path}:${lineOf(file.text, match.index)}: re-exports: import it from where it lives`,
      ),
    )

/** Time and chance come in as arguments. These files alone ask the machine for them, for the reason given. */
export const timeAndChanceHomes: { readonly [path: string]: string } = {
  'packages/server/src/domain/time.ts': 'the clock, and the text form of instants',
  'packages/server/src/domain/entropy.ts': 'the random source',
  'packages/client/src/holder/clock.ts': 'the clock of a client',
  'packages/client/src/custody/entropy.ts': 'the random source of a client',
  'packages/verifier/src/world.ts': 'time, chance and network of an API',
}

export const timeAndChanceComeIn: Rule = files => {
  const sources = sourcesOf(files).filter(({ path }) => isProduct(path) && timeAndChanceHomes[path] === undefined)
  const machine =
    /\b(?:Date|performance|hrtime|Math\.random|getRandomValues|(?:randomUUID|randomBytes|randomInt|randomFill\w*)(?=\())/
  return eachLine(sources.map(withCodeOnly), line => {
    const word = machine.exec(line)?.[0]
    return word === undefined ? null : `uses ${word}: time and chance come in as arguments`
  })
}

/** These tests alone ask a clock, for the reason given. */
export const clockTests: { readonly [path: string]: string } = {
  'packages/server/src/domain/time.test.ts': 'it tests the clock',
  'test/postgres/cluster.test.ts': 'a watchdog over processes of others',
}

/** How long something takes is told by every machine in its own way: tests wait for events and count work. */
export const noTestAsksAClock: Rule = files => {
  const tests = testsOf(files).filter(({ path }) => clockTests[path] === undefined)
  return eachLine(tests.map(withCodeOnly), line =>
    /\b(?:performance\.now|hrtime|cpuUsage|Date\.now)\b/.test(line)
      ? 'asks a clock: wait for what happens, count the work, or measure in bench/'
      : null,
  )
}

export const todosNameAnIssue: Rule = files =>
  eachLine(sourcesOf(files), line =>
    /(?:\/\/|\/\*|^\s*\*).*\b(?:TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))/.test(line)
      ? 'leaves something to do without an issue number: write TODO(#12)'
      : null,
  )

/** Functions over objects. What is thrown needs a class; nothing else does. */
export const classesAreErrors: Rule = files =>
  eachLine(sourcesOf(files).map(withCodeOnly), line => {
    const declared = /\bclass\s+(?<name>\w+)?(?:<[^>]*>)?(?:\s*extends\s+(?<base>\w+))?\s*\{?/.exec(line)
    if (declared === null) return null
    return declared.groups?.['base']?.endsWith('Error') === true ? null : 'declares a class that is no error'
  })

export const noTestIsLeftOut: Rule = files =>
  eachLine(testsOf(files).map(withCodeOnly), line =>
    /\b(?:it|test|describe|suite|context)\.(?:skip|todo|only)\b|\bt\.(?:skip|todo)\(|[{,]\s*(?:skip|todo|only):/.test(
      line,
    )
      ? 'leaves a test out: a test runs, or it is deleted'
      : null,
  )

export const everyTestFileAsserts: Rule = files =>
  testsOf(files)
    .map(withCodeOnly)
    .filter(file => holdsTests(file) && !isFixture(file.path) && !/\bassert\b/.test(file.text))
    .map(file => `${file.path}:1: has tests but asserts nothing`)

/** What only tests use ends in `.test.ts` too, to stay out of what is published; then a test names it, or it names one. */
export const everyTestFileTests: Rule = files => {
  const tests = testsOf(files)
  const isNamed = (file: TextFile): boolean =>
    tests.some(test => test !== file && test.text.includes(`/${nameOf(file)}`))
  return tests
    .filter(file => !holdsTests(withCodeOnly(file)) && !isNamed(file) && !/\.test\.ts'/.test(file.text))
    .map(file => `${file.path}:1: has no test and serves none`)
}

/** What is true on one machine only has no place in a file that others clone. */
export const noMachineIsNamed: Rule = files => {
  const words = [
    ['', 'work', ''].join('/'),
    ['registry', 'npmjs'].join('.'),
    ['', 'home', ''].join('/'),
    ['', 'root', ''].join('/'),
  ]
  return eachLine(files, line => {
    const word = words.find(name => line.includes(name))
    return word === undefined ? null : `names a machine or a registry (${word})`
  })
}

/** The map shows the whole land: each folder at the top and each package. */
export const architectureNamesAll: Rule = files => {
  const map = files.find(file => file.path === 'ARCHITECTURE.md')?.text ?? ''
  const folders = files.flatMap(file => (file.path.includes('/') ? [file.path.split('/')[0] ?? ''] : []))
  const packages = files.flatMap(file => /^packages\/([^/]+)\/package\.json$/.exec(file.path)?.[1] ?? [])
  const rings = files.flatMap(file => /^packages\/server\/src\/([^/]+)\//.exec(file.path)?.[1] ?? [])
  const wanted = new Set([...folders, ...packages, ...rings])
  return [...wanted]
    .filter(name => !map.includes(`${name}/`))
    .map(name => `ARCHITECTURE.md:1: does not mention ${name}/`)
}

/**
 * `npm ci` refuses a lock file that leaves out an optional package of any platform, and npm leaves out what the registry
 * of the machine that wrote the lock does not have.
 */
export const lockIsWhole: Rule = files => {
  const text = files.find(file => file.path === 'package-lock.json')?.text ?? '{}'
  const { packages = {} } = JSON.parse(text) as { packages?: { [path: string]: { optionalDependencies?: object } } }
  const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
  const missing = [...new Set(wanted)].filter(name => packages[`node_modules/${name}`] === undefined)
  const workspaces = files.flatMap(file => /^((?:packages|examples)\/[^/]+)\/package\.json$/.exec(file.path)?.[1] ?? [])
  const unknown = workspaces.filter(path => packages[path] === undefined)
  return [...missing, ...unknown].map(name => `package-lock.json:1: leaves out ${name}, so npm ci would refuse it`)
}

/** A figure in a document is the one in the code: rows such as `name` | 1,024 | are compared with `export const name`. */
export const limitsAreThose: Rule = files => {
  const declared = new Map<string, Set<number>>()
  for (const file of files.filter(({ path }) => isProduct(path))) {
    for (const { groups } of file.text.matchAll(/^export const (?<name>\w+) = (?<value>[\d_]+(?: \* [\d_]+)*)$/gm)) {
      const value = (groups?.['value'] ?? '')
        .split(' * ')
        .reduce((product, part) => product * Number(part.replaceAll('_', '')), 1)
      declared.set(groups?.['name'] ?? '', new Set([...(declared.get(groups?.['name'] ?? '') ?? []), value]))
    }
  }
  return eachLine(
    files.filter(file => /^docs\/.*\.md$/.test(file.path)),
    line => {
      const { name, value } = /^\| `(?<name>\w+)` \| (?<value>\d[\d,]*) \|/.exec(line)?.groups ?? {}
      if (name === undefined || value === undefined) return null
      const isTrue = declared.get(name)?.has(Number(value.replaceAll(',', ''))) === true
      return isTrue ? null : `says ${name} is ${value}, and the code does not`
    },
  )
}

export const linksLead: Rule = files => {
  const paths = new Set(files.flatMap(file => [file.path, ...foldersOf(file.path)]))
  return eachLine(
    files.filter(file => file.path.endsWith('.md')),
    (line, file) => {
      const targets = [...line.matchAll(/\]\((?<target>[^)\s]+)\)/g)].map(match => match.groups?.['target'] ?? '')
      const dead = targets.filter(target => !/^[a-z]+:/.test(target)).find(target => !leads(target, file, files, paths))
      return dead === undefined ? null : `links to ${dead}, which is not there`
    },
  )
}

function leads(target: string, from: TextFile, files: readonly TextFile[], paths: ReadonlySet<string>): boolean {
  const [path = '', anchor] = target.split('#')
  const found = path === '' ? from.path : normalize(joinPath(dirname(from.path), path)).replace(/\/$/, '')
  if (!paths.has(found)) return false
  if (anchor === undefined) return true
  const text = files.find(file => file.path === found)?.text ?? ''
  return [...text.matchAll(/^#+ (?<title>.+)$/gm)].some(match => anchorOf(match.groups?.['title'] ?? '') === anchor)
}

/** As the forges make it: lower case, spaces to hyphens, all else but letters, digits, `_` and `-` dropped. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}_ -]/gu, '')
    .replace(/ /g, '-')
}

function foldersOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

function named(files: readonly TextFile[], isBad: (part: string) => boolean, sentence: string): readonly string[] {
  return files.flatMap(file => {
    const bad = file.path.split('/').find(part => isBad(part.replace(/(?:\.test|\.d)?\.\w+$/, '')))
    return bad === undefined ? [] : [`${file.path}:1: '${bad}' ${sentence}`]
  })
}

function eachLine(
  files: readonly TextFile[],
  judge: (line: string, file: TextFile) => string | null,
): readonly string[] {
  return files.flatMap(file =>
    file.text.split('\n').flatMap((line, index) => {
      const sentence = judge(line, file)
      return sentence === null ? [] : [`${file.path}:${index + 1}: ${sentence}`]
    }),
  )
}

function sourcesOf(files: readonly TextFile[]): readonly TextFile[] {
  return files.filter(file => file.path.endsWith('.ts'))
}

function testsOf(files: readonly TextFile[]): readonly TextFile[] {
  return files.filter(file => file.path.endsWith('.test.ts'))
}

function isProduct(path: string): boolean {
  return /^packages\/[^/]+\/src\//.test(path) && !path.endsWith('.test.ts') && !path.includes('/store/contract/')
}

function withCodeOnly(file: TextFile): TextFile {
  return { path: file.path, text: codeOf(file.text) }
}

function holdsTests(file: TextFile): boolean {
  return /^\s*(?:it|test)(?:\.\w+)?\(/m.test(file.text)
}

function isFixture(path: string): boolean {
  return /(?:^|[-/])fixtures?(?:-[a-z-]+)?\.test\.ts$/.test(path)
}

function nameOf(file: TextFile): string {
  return file.path.slice(file.path.lastIndexOf('/') + 1)
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

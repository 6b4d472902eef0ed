/**
 * Which file may import what. A package is a set of rings, a ring is a folder, and the tables below are the whole law:
 * what they do not name is refused. `ARCHITECTURE.md` says the same in words.
 */

import { dirname, join, normalize } from 'node:path/posix'
import type { Import } from './imports.ts'

export interface Broken {
  readonly file: string
  readonly line: number
  readonly specifier: string
  readonly rule: string
}

/** What a ring may import. Paths are those of the server's `src`; one that ends in `/` stands for a folder. */
interface Ring {
  readonly paths: readonly string[]
  /** Paths of which only types may be imported. */
  readonly types?: readonly string[]
  /** Paths refused although a wider entry allows them. */
  readonly never?: readonly string[]
  /** Packages and Node modules. `node:*` stands for every module of Node but those in `keptModules`. */
  readonly modules: readonly string[]
  readonly rule: string
}

const rings: { readonly [ring: string]: Ring } = {
  domain: {
    paths: ['domain/'],
    modules: [
      '@pawl/family',
      '@pawl/protocol',
      '@simplewebauthn/server',
      'jose',
      'node:crypto',
      'node:url',
      'node:util',
      'node:zlib',
      'otpauth',
    ],
    rule: 'domain imports domain, the rule packages and libraries that only calculate: it opens no file and no socket',
  },
  oauth: {
    // What a client may be is told once, for operators and for clients that register themselves.
    paths: [
      'oauth/',
      'domain/',
      'admin/client-grants.ts',
      'admin/client-input.ts',
      'admin/client-rules.ts',
      'admin/client-json.ts',
      'admin/client-secret.ts',
    ],
    modules: ['@pawl/family', '@pawl/protocol', 'jose', 'openid-client', 'zod', 'node:crypto', 'node:util'],
    rule: 'oauth imports oauth and domain, and of admin what a client may be: it never sees a request, a file or SQL',
  },
  admin: {
    paths: ['admin/', 'domain/'],
    modules: ['@pawl/family', '@pawl/protocol', 'zod', 'node:crypto', 'node:util'],
    rule: 'admin imports admin and domain only: it never sees a request, a terminal, a file or SQL',
  },
  http: {
    paths: [
      'http/',
      'oauth/',
      'admin/',
      'domain/identifiers.ts',
      'domain/store.ts',
      'domain/time.ts',
      'domain/family/family-busy.ts',
      'domain/client/client.ts',
      'domain/client/client-source.ts',
      'domain/client/document-url.ts',
      'domain/strict-json.ts',
      'domain/event/user-agent.ts',
    ],
    types: ['domain/'],
    never: ['domain/keys/'],
    modules: ['@pawl/protocol', 'pino', 'qr', 'node:*'],
    rule: 'http imports http, oauth and admin, and of domain ids and types only: it never touches a store or a key',
  },
  cli: {
    paths: [
      'cli/',
      'config/',
      'admin/',
      'pawl.ts',
      'published-metadata.ts',
      'http/node-listener.ts',
      'http/management.ts',
      'http/access-log.ts',
      'http/unread-request.ts',
      'domain/identifiers.ts',
      'domain/store.ts',
      'domain/client/client.ts',
      'domain/client/signing-algorithm.ts',
      'domain/user/hashing-limits.ts',
      'domain/time.ts',
      'domain/entropy.ts',
    ],
    types: ['domain/', 'http/exchange.ts'],
    never: ['domain/keys/'],
    modules: ['@pawl/family', '@pawl/protocol', '@clack/prompts', 'commander', 'pino', 'node:*'],
    rule: 'cli imports cli, config, admin, pawl.ts, the listeners, and of domain ids, limits, time, entropy and types only',
  },
  config: {
    paths: ['config/', 'domain/'],
    modules: ['zod', 'yaml', 'node:*'],
    rule: 'config imports config and domain only',
  },
  store: {
    paths: ['store/', 'domain/'],
    modules: ['@pawl/family', 'node:*', 'node:sqlite'],
    rule: 'store imports store and domain only: it holds no rule',
  },
  outbound: {
    paths: ['outbound/', 'domain/'],
    modules: ['node:*'],
    rule: 'outbound imports outbound and domain only: it carries requests out and decides nothing else',
  },
  mail: {
    paths: ['mail/', 'domain/'],
    modules: ['nodemailer', 'node:*'],
    rule: 'mail imports mail and domain only: it hands messages on and decides nothing else',
  },
  '': {
    paths: [
      'pawl.ts',
      'embed.ts',
      'load-claims-hook.ts',
      'published-metadata.ts',
      'admin/',
      'config/',
      'domain/',
      'http/',
      'mail/',
      'oauth/',
      'outbound/',
      'store/',
    ],
    modules: ['@pawl/family', '@pawl/protocol', 'pino', 'zod', 'node:*'],
    rule: 'pawl.ts builds the server out of every ring but cli; embed.ts and index.ts offer it',
  },
}

/** Modules with one home in the server: nobody else may import them, whatever else the ring may do. */
const homes: { readonly [module: string]: string } = {
  pg: 'store/postgres/',
  nodemailer: 'mail/',
  'openid-client': 'oauth/upstream/',
}

/** The only files that import what a name from outside says. */
const loaders = ['load-claims-hook.ts']

/** Modules of Node that `node:*` does not stand for. */
const keptModules = ['node:sqlite']

const packages: { readonly [name: string]: { readonly modules: readonly string[]; readonly rule: string } } = {
  family: { modules: [], rule: '@pawl/family imports nothing but itself' },
  protocol: { modules: ['jose'], rule: '@pawl/protocol imports jose and nothing else' },
  client: {
    modules: ['@pawl/protocol', 'oauth4webapi'],
    rule: '@pawl/client imports @pawl/protocol and oauth4webapi: what needs Node is listed in tools/rings.ts',
  },
  bff: {
    modules: ['@pawl/client', '@pawl/client/*', 'jose', 'oauth4webapi', 'node:*'],
    rule: '@pawl/bff imports @pawl/client, jose and Node',
  },
  verifier: {
    modules: ['@pawl/protocol', 'jose'],
    rule: '@pawl/verifier imports @pawl/protocol and jose, and nothing of one runtime',
  },
}

/**
 * Beginnings of the files of @pawl/client that need Node. All others run in browsers, workers and other runtimes too: they
 * import nothing of Node, and of these files types only.
 */
const clientOnNode = [
  'keys/environment-key',
  'keys/keyring-program',
  'keys/keystore',
  'keys/system-keystore',
  'sign-in/loopback',
  'sign-in/system-browser',
  'stores/claim',
  'stores/file',
  'stores/patience',
  'stores/private-place',
  'stores/process-owner',
  'stores/sqlite',
]

const clientOnNodeModules = ['@pawl/protocol', 'oauth4webapi', '@napi-rs/keyring', 'node:*', 'node:sqlite']

/** The imports of `file` that break a rule. */
export function brokenRules(file: string, imports: readonly Import[]): readonly Broken[] {
  return imports.flatMap(found => {
    const rule = brokenRule(file, found)
    return rule === null ? [] : [{ file, line: found.line, specifier: found.specifier ?? '(an expression)', rule }]
  })
}

function brokenRule(file: string, { specifier, typeOnly }: Import): string | null {
  const home = homeOf(file)
  if (specifier === null) {
    const isLoader = home.packageName === 'server' && loaders.includes(home.path)
    return isLoader ? null : 'an import is written out, so that it can be followed'
  }
  if (specifier.startsWith('.')) {
    const target = normalize(join(dirname(home.path), specifier))
    if (target.startsWith('../')) return brokenEscape(file, specifier)
    if (home.packageName === 'client') return brokenClientPath(home.path, target, typeOnly)
    return home.packageName === 'server' ? brokenPath(home.path, target, typeOnly) : null
  }
  return brokenModule(home, specifier)
}

/** Out of a package: a test may fetch what the whole repository uses; nobody reaches into another package. */
function brokenEscape(file: string, specifier: string): string | null {
  const target = normalize(join(dirname(file), specifier))
  if (isTest(file) && isIn(target, ['tools/', 'test/'])) return null
  return 'a package is imported by its name, never by a path into its files'
}

function brokenPath(path: string, target: string, typeOnly: boolean): string | null {
  if (isTest(path)) return null
  const name = ringOf(path)
  const ring = rings[name]
  if (ring === undefined) return `'${name}/' is no ring: tools/rings.ts names them all`
  const isAllowed = isIn(target, ring.paths) || (typeOnly && isIn(target, ring.types ?? []))
  return isAllowed && !isIn(target, ring.never ?? []) ? null : ring.rule
}

function brokenClientPath(path: string, target: string, typeOnly: boolean): string | null {
  if (isTest(path) || typeOnly || needsNode(path) || !needsNode(target)) return null
  return 'what runs in browsers too imports nothing that needs Node: tools/rings.ts lists what does'
}

function needsNode(path: string): boolean {
  return clientOnNode.some(beginning => path.startsWith(beginning))
}

function brokenModule(home: Home, specifier: string): string | null {
  if (specifier === 'pawl' || specifier.startsWith('pawl/')) return 'no package imports the server'
  // Tests stand outside the rings, but not outside the direction of the packages.
  if (isTest(home.path)) return null
  const law = home.packageName === 'server' ? rings[ringOf(home.path)] : packages[home.packageName]
  if (law === undefined)
    return `nothing is known of '${home.packageName}/${home.path}': tools/rings.ts names every package`
  const only = homes[specifier]
  if (only !== undefined) {
    return home.packageName === 'server' && isIn(home.path, [only]) ? null : `only ${only} imports ${specifier}`
  }
  const modules = home.packageName === 'client' && needsNode(home.path) ? clientOnNodeModules : law.modules
  return isModuleIn(specifier, modules) ? null : law.rule
}

interface Home {
  readonly packageName: string
  /** Within the package's `src`. */
  readonly path: string
}

function homeOf(file: string): Home {
  const [, packageName = '', , ...rest] = file.split('/')
  return { packageName, path: rest.join('/') }
}

function ringOf(path: string): string {
  return path.includes('/') ? (path.split('/')[0] ?? '') : ''
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts')
}

function isIn(target: string, paths: readonly string[]): boolean {
  return paths.some(path => (path.endsWith('/') ? target.startsWith(path) : target === path))
}

function isModuleIn(specifier: string, modules: readonly string[]): boolean {
  if (modules.includes(specifier)) return true
  if (modules.some(each => each.endsWith('/*') && specifier.startsWith(each.slice(0, -1)))) return true
  return specifier.startsWith('node:') && modules.includes('node:*') && !keptModules.includes(specifier)
}

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'

const server = 'packages/server/src'

/** Each file breaks one rule on one line; the checker must name that line and no other. */
const refused: { readonly [file: string]: string } = {
  [`${server}/domain/reads-files.ts`]: `import { readFileSync } from 'node:fs'`,
  [`${server}/domain/calls-up.ts`]: `import { authorize } from '../oauth/authorize.ts'`,
  [`${server}/domain/remembers.ts`]: `import { openStore } from '../store/sqlite/open.ts'`,
  [`${server}/domain/types-count-too.ts`]: `import type { OpenStore } from '../store/sqlite/open.ts'`,
  [`${server}/domain/uses-a-library.ts`]: `import { z } from 'zod'`,
  [`${server}/oauth/sees-requests.ts`]: `import type { HttpRequest } from '../http/exchange.ts'`,
  [`${server}/oauth/grants/runs-sql.ts`]: `import { DatabaseSync } from 'node:sqlite'`,
  [`${server}/oauth/asks-its-neighbour.ts`]: `import { explain } from '../admin/explain.ts'`,
  [`${server}/admin/prints.ts`]: `import { print } from '../cli/output.ts'`,
  [`${server}/http/endpoints/holds-a-key.ts`]: `import type { MasterKeys } from '../../domain/keys/master-keys.ts'`,
  [`${server}/http/decides.ts`]: `import { rotate } from '../domain/family/step.ts'`,
  [`${server}/http/remembers.ts`]: `import { openStore } from '../store/sqlite/open.ts'`,
  [`${server}/http/runs-sql.ts`]: `import { DatabaseSync } from 'node:sqlite'`,
  [`${server}/http/reads-settings.ts`]: `import { readConfig } from '../config/read-config.ts'`,
  [`${server}/cli/remembers.ts`]: `import { openStore } from '../store/sqlite/open.ts'`,
  [`${server}/cli/serves-pages.ts`]: `import { page } from '../http/pages/page.ts'`,
  [`${server}/config/listens.ts`]: `import { listen } from '../http/node-listener.ts'`,
  [`${server}/outbound/decides.ts`]: `import { judgeClient } from '../admin/client-rules.ts'`,
  [`${server}/oauth/sends.ts`]: `import { openOutbound } from '../outbound/open-outbound.ts'`,
  [`${server}/oauth/works-for-operators.ts`]: `import { registerClient } from '../admin/clients.ts'`,
  [`${server}/store/sql/decides.ts`]: `import { authorize } from '../../oauth/authorize.ts'`,
  [`${server}/store/sqlite/knows-another-engine.ts`]: `import { Client } from 'pg'`,
  [`${server}/asks-a-database.ts`]: `import { Client } from 'pg'`,
  'packages/protocol/src/store/postgres/asks.ts': `import { Client } from 'pg'`,
  [`${server}/store/serves.ts`]: `export { listen } from '../http/node-listener.ts'`,
  [`${server}/pawl.ts`]: `import { main } from './cli/main.ts'`,
  [`${server}/stray/new-ring.ts`]: `import { a } from '../domain/a.ts'`,
  [`${server}/domain/reaches-over.ts`]: `import { present } from '../../../family/src/present.ts'`,
  [`${server}/domain/reaches-over.test.ts`]: `import { present } from '../../../family/src/present.ts'`,
  [`${server}/http/reaches-out.ts`]: `import { samplePages } from '../../../../tools/sample-pages.ts'`,
  [`${server}/domain/hides.ts`]: `export const hidden = await import(String('./x.ts'))`,
  'packages/family/src/uses-node.ts': `import { createHash } from 'node:crypto'`,
  'packages/family/src/uses-a-neighbour.ts': `import { pkce } from '@pawl/protocol'`,
  'packages/protocol/src/uses-a-library.ts': `import { z } from 'zod'`,
  'packages/protocol/src/serves.ts': `import { createServer } from 'node:http'`,
  'packages/protocol/src/knows-the-server.ts': `import { pawl } from 'pawl'`,
  'packages/family/src/knows-the-server.test.ts': `import { pawl } from 'pawl'`,
  'packages/client/src/holder/opens-files.ts': `import { readFile } from 'node:fs/promises'`,
  'packages/client/src/holder/needs-node.ts': `import { fileStore } from '../stores/file.ts'`,
  'packages/client/src/keys/in-a-browser.ts': `import type { Entry } from '@napi-rs/keyring'`,
  'packages/client/src/stores/sqlite.ts': `import { Pool } from 'pg'`,
  'packages/client/src/mcp/takes-an-sdk.ts': `import type { OAuthTokens } from '@modelcontextprotocol/sdk'`,
  'packages/unheard-of/src/file.ts': `import { createServer } from 'node:http'`,
}

const accepted: { readonly [file: string]: string } = {
  [`${server}/domain/decides.ts`]: `import { present } from '@pawl/family'\nimport type { Clock } from './time.ts'`,
  [`${server}/outbound/sends.ts`]: `import { request } from 'node:https'\nimport type { Outbound } from '../domain/outbound/outbound.ts'`,
  [`${server}/oauth/registration/registers.ts`]: `import { judgeClient } from '../../admin/client-rules.ts'`,
  [`${server}/oauth/grants/refresh.ts`]: `import { step } from '../../domain/family/step.ts'`,
  [`${server}/http/endpoints/token.ts`]: `import type { Client } from '../../domain/client/client.ts'`,
  [`${server}/http/node-listener.ts`]: `import {\n  createServer,\n  type Server,\n} from 'node:http'`,
  [`${server}/cli/serve.ts`]: `import { pawl } from '../pawl.ts'`,
  [`${server}/store/sqlite/open.ts`]: `import { DatabaseSync } from 'node:sqlite'`,
  [`${server}/store/postgres/session.ts`]: `import { Client } from 'pg'`,
  [`${server}/pawl.ts`]: `import { openStore } from './store/sqlite/open.ts'`,
  [`${server}/domain/remembers.test.ts`]: `import { openStore } from '../store/sqlite/open.ts'`,
  [`${server}/http/pages.test.ts`]: `import { samplePages } from '../../../../tools/sample-pages.ts'`,
  'packages/client/src/holder/asks.ts': `import { None } from 'oauth4webapi'\nimport type { FileStore } from '../stores/file.ts'`,
  'packages/client/src/stores/file.ts': `import { open } from 'node:fs/promises'\nimport { seal } from '../custody/seal.ts'`,
  'packages/client/src/keys/keyring-program.ts': `const keyring = await import('@napi-rs/keyring')`,
  'packages/client/src/holder/rules.test.ts': `import { fileStore } from '../stores/file.ts'`,
  'packages/family/src/present.test.ts': `import fc from 'fast-check'\nimport { it } from 'node:test'`,
  'packages/protocol/src/thumbprint.ts': `import { calculateJwkThumbprint } from 'jose'`,
}

describe('check-rings', () => {
  it('names the file, the line and the rule of every import against the direction', () => {
    const { status, stderr } = check(refused)
    const lines = stderr.trim().split('\n').sort()

    assert.equal(status, 1)
    assert.equal(lines.length, Object.keys(refused).length, stderr)
    for (const file of Object.keys(refused)) {
      assert.ok(
        lines.some(line => line.startsWith(`${file}:3 imports `) && /: \S.{20}/.test(line)),
        `${file} passed\n${stderr}`,
      )
    }
  })

  it('accepts the imports that the rings are made for', () => {
    const { status, stderr, stdout } = check(accepted)

    assert.equal(stderr, '')
    assert.equal(status, 0)
    assert.match(stdout, new RegExp(`${Object.keys(accepted).length} files`))
  })

  it('fails where there is nothing to check', () => {
    const { status, stderr } = check({ 'readme.md': 'import nothing' })

    assert.equal(status, 1)
    assert.match(stderr, /no source file/)
  })
})

function check(tree: { readonly [file: string]: string }): { status: number | null; stdout: string; stderr: string } {
  const root = mkdtempSync(join(tmpdir(), 'rings-'))
  try {
    for (const [file, line] of Object.entries(tree)) {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), `/** What it owns. */\n\n${line}\n`)
    }
    return spawnSync(process.execPath, [join(import.meta.dirname, 'check-rings.ts'), root], { encoding: 'utf8' })
  } finally {
    rmSync(root, { recursive: true })
  }
}

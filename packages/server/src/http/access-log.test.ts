import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { pino } from 'pino'
import type { RequestId } from '../domain/identifiers.ts'
import { OAuthError } from '../oauth/oauth-error.ts'
import { type Answered, accessLog, failureLinesPerSecondMax, loggedPathCharactersMax } from './access-log.ts'
import type { HttpRequest } from './exchange.ts'

const request: HttpRequest = {
  method: 'POST',
  path: '/token',
  query: 'client_secret=geheim',
  headers: { authorization: 'Basic geheim', cookie: 'a=geheim' },
  body: Buffer.from('refresh_token=geheim'),
  address: '192.0.2.1',
}

const fine: Answered = { requestId: 'req_1' as RequestId, status: 200, startedAtMs: 900, error: null, detail: null }
const refusal = new OAuthError('invalid_grant', 'family 1 is over')
const refused: Answered = { ...fine, status: 400, error: refusal, detail: refusal.detail }

function recorder(level = 'debug'): { lines: string[]; log: ReturnType<typeof accessLog>; clock: { nowMs: number } } {
  const lines: string[] = []
  const clock = { nowMs: 1000 }
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString())
      done()
    },
  })
  return { lines, clock, log: accessLog(pino({ level, base: null }, stream), () => clock.nowMs) }
}

function parsed(line: string | undefined): { readonly [name: string]: unknown } {
  return JSON.parse(line ?? '') as { readonly [name: string]: unknown }
}

describe('the access log', () => {
  it('has one line for each request at debug, and none above', () => {
    const debug = recorder()
    debug.log.answered(request, fine)
    assert.equal(debug.lines.length, 1)
    const { time: _, ...fields } = parsed(debug.lines[0])
    assert.deepEqual(fields, {
      level: 20,
      requestId: 'req_1',
      method: 'POST',
      path: '/token',
      status: 200,
      tookMs: 100,
      address: '192.0.2.1',
      msg: 'answered',
    })
    const info = recorder('info')
    info.log.answered(request, fine)
    assert.deepEqual(info.lines, [])
  })

  it('CA-15 never holds a query, a body, a cookie or a credential', () => {
    const { lines, log } = recorder()
    log.answered(request, fine)
    log.answered(request, refused)
    log.answered(request, { ...fine, status: 500, error: new Error('boom') })
    assert.equal(lines.length, 3)
    assert.doesNotMatch(lines.join(''), /geheim/)
  })

  it('says why a request was refused, at info and without a stack', () => {
    const { lines, log } = recorder('info')
    log.answered(request, refused)
    assert.equal(parsed(lines[0])['level'], 30)
    assert.equal(parsed(lines[0])['detail'], 'family 1 is over')
    assert.equal(parsed(lines[0])['err'], undefined)
  })

  it('says what broke, with stack and cause', () => {
    const { lines, log } = recorder('info')
    log.answered(request, { ...fine, status: 500, error: new Error('boom', { cause: new Error('deeper') }) })
    assert.equal(parsed(lines[0])['level'], 50)
    assert.match(String(lines[0]), /boom.*deeper/)
    log.answered(request, { ...fine, status: 503, error: new Error('away') })
    assert.equal(parsed(lines[1])['level'], 40)
  })

  it('IJ-03 cannot be forged by line breaks, escapes or quotes in what a client chose', () => {
    const { lines, log } = recorder()
    const hostile = '/x\r\n{"level":60,"msg":"forged"}\u001b[31m\u009b31m\u202e"'
    const detail = `the parameter ${hostile}`
    log.answered({ ...request, path: hostile, method: hostile, address: hostile }, { ...refused, detail })
    assert.equal(lines.length, 1)
    assert.match(String(lines[0]), /^[\x20-\x7e]+\n$/)
    assert.equal(parsed(lines[0])['level'], 30)
  })

  it('cuts what a client made long', () => {
    const { lines, log } = recorder()
    log.answered({ ...request, path: `/${'x'.repeat(30_000)}` }, refused)
    assert.equal(String(parsed(lines[0])['path']).length, loggedPathCharactersMax)
  })

  it('DS-15 says so many failures a second and counts the rest', () => {
    const { lines, clock, log } = recorder('info')
    for (let index = 0; index < failureLinesPerSecondMax + 7; index += 1) log.answered(request, refused)
    assert.equal(lines.length, failureLinesPerSecondMax)
    clock.nowMs += 1000
    log.answered(request, refused)
    log.answered(request, refused)
    assert.equal(parsed(lines.at(-2))['unsaid'], 7)
    assert.equal(parsed(lines.at(-1))['unsaid'], 0)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { agentInWords } from './agent-in-words.ts'

const agents: { readonly [agent: string]: string } = {
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0': 'Firefox on Windows',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0':
    'Edge on Windows',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15':
    'Safari on Mac',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1':
    'Safari on iPhone',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36':
    'Chrome on Android',
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36':
    'Chrome on Linux',
  'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36':
    'Chrome on ChromeOS',
  'curl/8.5.0': 'Another program',
  'Program (Windows)': 'A program on Windows',
  '': 'Another program',
}

describe('agentInWords', () => {
  for (const [agent, words] of Object.entries(agents)) {
    it(`calls it ${words}: ${agent}`, () => {
      assert.equal(agentInWords(agent), words)
    })
  }

  it('repeats nothing of what was sent', () => {
    assert.equal(agentInWords('<script>alert(1)</script> Firefox/<b>'), 'Firefox')
  })
})

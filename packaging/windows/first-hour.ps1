# Measures on a real Windows what rdpmend's design rests on and nobody has published. It breaks Remote Desktop on purpose,
# point by point, and puts back what it changed. For a host that is thrown away afterwards, never for one that is in use.
# It has been checked for its syntax and read, and has NOT RUN on any Windows yet.
#
#   .\first-hour.ps1 -ThrowAwayHost [-Points 1,3,5] [-Output FILE.json] [-Msi OLD.msi -NewerMsi NEW.msi] [-AllowRestart]
#
# For Windows PowerShell 5.1, elevated, with rdpmend installed. What it measures goes into the JSON after each point.
# Administrators may not read the listener's key from build 17763 on (measured.md K2), so all but the first look runs as
# SYSTEM, in one scheduled task that starts this same file.
#Requires -RunAsAdministrator
[CmdletBinding()]
param(
  [switch]$ThrowAwayHost,
  [int[]]$Points = @(1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12),
  [string]$Output = (Join-Path (Get-Location).Path 'first-hour.json'),
  [string]$Programs = (Join-Path $env:ProgramFiles 'rdpmend'),
  [string]$Msi = '',
  [string]$NewerMsi = '',
  [switch]$AllowRestart,  # Point 10 restarts the host.
  [switch]$AsSystem       # Set by this file itself.
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
if (-not $ThrowAwayHost) {
  throw 'This breaks Remote Desktop and moves the clock on purpose. If this host is thrown away afterwards, say -ThrowAwayHost.'
}

$store = 'SOFTWARE\Microsoft\SystemCertificates\Remote Desktop'
$winStations = 'HKLM:\SYSTEM\CurrentControlSet\Control\Terminal Server\WinStations'
$machineKeys = Join-Path $env:ProgramData 'Microsoft\Crypto\RSA\MachineKeys'
$group = '@FirewallAPI.dll,-28752'
$system = 'S-1-5-18'
$networkService = 'S-1-5-20'

# --- running, waiting, telling ---

# Ends the program at the deadline. Arguments are one string, as CreateProcess takes it.
function Invoke-Program([string]$Path, [string]$Arguments, [int]$Seconds = 60) {
  $start = New-Object System.Diagnostics.ProcessStartInfo
  $start.FileName = $Path
  $start.Arguments = $Arguments
  $start.UseShellExecute = $false
  $start.CreateNoWindow = $true
  $start.RedirectStandardOutput = $true
  $start.RedirectStandardError = $true
  $start.StandardOutputEncoding = [System.Text.Encoding]::UTF8
  $process = [System.Diagnostics.Process]::Start($start)
  $out = $process.StandardOutput.ReadToEndAsync()
  $err = $process.StandardError.ReadToEndAsync()
  if (-not $process.WaitForExit($Seconds * 1000)) {
    $process.Kill()
    throw "$Path $Arguments did not end within $Seconds s"
  }
  [ordered]@{ exit = $process.ExitCode; out = $out.Result; err = $err.Result }
}

function Invoke-Json([string]$Program, [string]$Arguments, [int]$Seconds = 90) {
  $ran = Invoke-Program (Join-Path $Programs $Program) $Arguments $Seconds
  $answer = $null
  if ($ran.out) { $answer = $ran.out | ConvertFrom-Json }
  [ordered]@{ exit = $ran.exit; answer = $answer; err = $ran.err }
}

function Get-Probe([string]$Address = '127.0.0.1') {
  $probe = Invoke-Json 'rdpmend.exe' "probe $Address --format json" 30
  if ($null -eq $probe.answer) { return [ordered]@{ exit = $probe.exit; outcome = ''; detail = $probe.err; sha1 = '' } }
  $sha1 = ''
  if ($probe.answer.PSObject.Properties['certificate'] -and $probe.answer.certificate) { $sha1 = $probe.answer.certificate.sha1 }
  [ordered]@{ exit = $probe.exit; outcome = $probe.answer.outcome; detail = $probe.answer.detail; sha1 = $sha1 }
}

# Seconds until the condition held, or -1.
function Wait-Until([scriptblock]$Condition, [int]$Seconds) {
  $watch = [System.Diagnostics.Stopwatch]::StartNew()
  while ($watch.Elapsed.TotalSeconds -lt $Seconds) {
    if (& $Condition) { return [math]::Round($watch.Elapsed.TotalSeconds, 1) }
    Start-Sleep -Milliseconds 500
  }
  -1
}

function Get-Events([string]$Log, [int[]]$Ids, [datetime]$Since) {
  $found = @(Get-WinEvent -FilterHashtable @{ LogName = $Log; Id = $Ids; StartTime = $Since } -ErrorAction SilentlyContinue)
  @($found | ForEach-Object {
      [ordered]@{ id = $_.Id; provider = $_.ProviderName; time = $_.TimeCreated.ToUniversalTime().ToString('o'); xml = $_.ToXml() }
    })
}

function Get-ListenerEvents([datetime]$Since) {
  @(Get-Events 'System' @(1056, 1057, 1058, 36870) $Since) +
  @(Get-Events 'Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational' @(131, 139) $Since)
}

# --- the listener's certificate and key ---

function Get-KeyFile {
  $guid = (Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Cryptography').MachineGuid
  Join-Path $machineKeys "f686aace6942fb7f7ceb231212eef4a4_$guid"
}

function Get-Registered {
  $bytes = Get-ItemProperty $winStations -Name SelfSignedCertificate -ErrorAction SilentlyContinue
  if ($null -eq $bytes) { return '' }
  ($bytes.SelfSignedCertificate | ForEach-Object { $_.ToString('X2') }) -join ''
}

function Get-StoreCertificates {
  $opened = New-Object System.Security.Cryptography.X509Certificates.X509Store('Remote Desktop', 'LocalMachine')
  $opened.Open('ReadOnly')
  try { return @($opened.Certificates) } finally { $opened.Close() }
}

function Remove-StoreCertificate([string]$Thumbprint) {
  $opened = New-Object System.Security.Cryptography.X509Certificates.X509Store('Remote Desktop', 'LocalMachine')
  $opened.Open('ReadWrite')
  try {
    foreach ($certificate in @($opened.Certificates)) {
      if ($certificate.Thumbprint -eq $Thumbprint) { $opened.Remove($certificate) }
    }
  } finally { $opened.Close() }
}

# Everything by which Restore-Listener makes the listener what it is now.
function Save-Listener {
  $file = Get-KeyFile
  $exported = [System.IO.Path]::GetTempFileName()
  $ran = Invoke-Program 'reg.exe' "export `"HKLM\$store`" `"$exported`" /y"
  if ($ran.exit -ne 0) { throw "reg export: $($ran.err)" }
  @{
    file = $file; exported = $exported; key = [System.IO.File]::ReadAllBytes($file); security = [Native]::ReadSecurity($file)
    registered = (Get-ItemProperty $winStations).SelfSignedCertificate
  }
}

function Restore-Listener($Saved) {
  foreach ($certificate in Get-StoreCertificates) { Remove-StoreCertificate $certificate.Thumbprint }
  $ran = Invoke-Program 'reg.exe' "import `"$($Saved.exported)`""
  if ($ran.exit -ne 0) { throw "reg import: $($ran.err)" }
  # These files carry the attributes hidden and system, with which .NET's WriteAllBytes would be refused.
  if (Test-Path -LiteralPath $Saved.file) { [System.IO.File]::SetAttributes($Saved.file, 'Normal') }
  [System.IO.File]::WriteAllBytes($Saved.file, $Saved.key)
  [Native]::WriteSecurity($Saved.file, $Saved.security)
  [System.IO.File]::SetAttributes($Saved.file, 'Hidden,System')
  Set-ItemProperty $winStations -Name SelfSignedCertificate -Value $Saved.registered -Type Binary
  Remove-Item -LiteralPath $Saved.exported
  Restart-Service SessionEnv -Force
}

function Get-Sddl([string]$Path) {
  ([System.Security.AccessControl.RawSecurityDescriptor]::new([Native]::ReadSecurity($Path), 0)).GetSddlForm('All')
}

# The file's access list without the entries of one SID.
function Get-SecurityWithout([byte[]]$Security, [string]$Sid) {
  $descriptor = [System.Security.AccessControl.RawSecurityDescriptor]::new($Security, 0)
  for ($i = $descriptor.DiscretionaryAcl.Count - 1; $i -ge 0; $i--) {
    if ($descriptor.DiscretionaryAcl[$i].SecurityIdentifier.Value -eq $Sid) { $descriptor.DiscretionaryAcl.RemoveAce($i) }
  }
  $bytes = New-Object byte[] $descriptor.BinaryLength
  $descriptor.GetBinaryForm($bytes, 0)
  , $bytes
}

# Access lists as bytes, through a handle: what .NET's classes do would itself need the rights that are being measured.
# https://learn.microsoft.com/windows/win32/api/winternl/nf-winternl-ntopenfile
Add-Type -TypeDefinition @'
using System;
using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

public static class Native {
  public const uint ReadControl = 0x20000, WriteDac = 0x40000;
  public const uint WriteOwner = 0x80000;
  const uint Owner = 1, Dacl = 4, ProtectedDacl = 0x80000000;
  const uint ShareAll = 7, OpenExisting = 3, OpenReparsePoint = 0x200000, BackupSemantics = 0x2000000;

  [DllImport("kernel32.dll", CharSet = CharSet.Unicode, SetLastError = true)]
  static extern SafeFileHandle CreateFileW(string name, uint access, uint share, IntPtr security, uint disposition, uint flags, IntPtr template);
  [DllImport("advapi32.dll", SetLastError = true)]
  static extern bool GetKernelObjectSecurity(SafeFileHandle handle, uint what, byte[] security, uint size, out uint needed);
  [DllImport("advapi32.dll", SetLastError = true)]
  static extern bool SetKernelObjectSecurity(SafeFileHandle handle, uint what, byte[] security);

  [StructLayout(LayoutKind.Sequential)]
  struct UnicodeString { public ushort Length, MaximumLength; public IntPtr Buffer; }
  [StructLayout(LayoutKind.Sequential)]
  struct ObjectAttributes { public int Length; public IntPtr Root, Name; public uint Attributes; public IntPtr Security, Quality; }
  [StructLayout(LayoutKind.Sequential)]
  struct IoStatus { public IntPtr Status, Information; }
  [DllImport("ntdll.dll")]
  static extern int NtOpenFile(out IntPtr handle, uint access, ref ObjectAttributes attributes, out IoStatus status, uint share, uint options);
  [DllImport("ntdll.dll")]
  static extern int NtClose(IntPtr handle);

  public static SafeFileHandle Open(string path, uint access) {
    return CreateFileW(path, access, ShareAll, IntPtr.Zero, OpenExisting, OpenReparsePoint | BackupSemantics, IntPtr.Zero);
  }

  public static byte[] Read(SafeFileHandle handle) {
    uint needed;
    GetKernelObjectSecurity(handle, Owner | Dacl, null, 0, out needed);
    var security = new byte[needed];
    if (!GetKernelObjectSecurity(handle, Owner | Dacl, security, needed, out needed)) throw new Win32Exception();
    return security;
  }

  public static void WriteList(SafeFileHandle handle, byte[] security) {
    if (!SetKernelObjectSecurity(handle, Dacl | ProtectedDacl, security)) throw new Win32Exception();
  }

  public static byte[] ReadSecurity(string path) {
    using (var handle = Open(path, ReadControl)) {
      if (handle.IsInvalid) throw new Win32Exception();
      return Read(handle);
    }
  }

  public static void WriteSecurity(string path, byte[] security) {
    using (var handle = Open(path, WriteDac | WriteOwner)) {
      if (handle.IsInvalid) throw new Win32Exception();
      WriteList(handle, security);
      if (!SetKernelObjectSecurity(handle, Owner, security)) throw new Win32Exception();
    }
  }

  // 0, or the Windows error.
  public static int TryCreateFile(string path, uint access) {
    using (var handle = Open(path, access)) return handle.IsInvalid ? Marshal.GetLastWin32Error() : 0;
  }

  // The NTSTATUS, in hexadecimal.
  public static string TryNtOpenFile(string path, uint access) {
    var text = @"\??\" + path;
    var name = new UnicodeString { Length = (ushort)(text.Length * 2), MaximumLength = (ushort)(text.Length * 2 + 2), Buffer = Marshal.StringToHGlobalUni(text) };
    var pointer = Marshal.AllocHGlobal(Marshal.SizeOf(typeof(UnicodeString)));
    try {
      Marshal.StructureToPtr(name, pointer, false);
      var attributes = new ObjectAttributes { Length = Marshal.SizeOf(typeof(ObjectAttributes)), Name = pointer, Attributes = 0x40 };
      IntPtr handle;
      IoStatus status;
      var result = NtOpenFile(out handle, access, ref attributes, out status, ShareAll, OpenReparsePoint);
      if (result >= 0) NtClose(handle);
      return "0x" + result.ToString("X8");
    } finally {
      Marshal.FreeHGlobal(pointer);
      Marshal.FreeHGlobal(name.Buffer);
    }
  }
}
'@

# --- the points, by the numbers of the review's section 9; each fills $m and puts back what it changed ---

function Measure-Access($m) {  # 1
  $file = Get-KeyFile
  $m.token = [System.Security.Principal.WindowsIdentity]::GetCurrent().User.Value
  $m.icacls = (Invoke-Program 'icacls.exe' "`"$file`"").out
  try { $m.sddl = Get-Sddl $file } catch { $m.sddl_error = "$_" }
  try { $m.folder_sddl = Get-Sddl $machineKeys } catch { $m.folder_sddl_error = "$_" }
  $m.own_selftest = Invoke-Json 'rdpmendd.exe' 'selftest --format json' 120
  $m.service_selftest = Invoke-Json 'rdpmend.exe' 'selftest --format json --timeout 60' 90
  # Rows of the stock host that nobody has proven, and what this Windows says of them.
  if ($m.own_selftest.answer) { $m.unproven = @($m.own_selftest.answer.findings | Where-Object { $_.source -like '*unproven*' }) }
}

function Measure-OwnAddress($m) {  # 2
  $rules = @(Get-NetFirewallRule -Group $group | Where-Object { $_.Enabled -eq 'True' })
  $own = @(Get-NetIPAddress -AddressFamily IPv4 | Where-Object { $_.IPAddress -ne '127.0.0.1' -and $_.AddressState -eq 'Preferred' })[0].IPAddress
  $m.address = $own
  $m.rules = @($rules | ForEach-Object { $_.Name })
  $m.before = Get-Probe $own
  Stop-Service rdpmend
  try {
    $rules | Disable-NetFirewallRule
    $m.reached_with_rules_disabled = [bool](Test-NetConnection $own -Port 3389 -WarningAction SilentlyContinue).TcpTestSucceeded
    $m.probe_with_rules_disabled = Get-Probe $own
  } finally {
    $rules | Enable-NetFirewallRule
    Start-Service rdpmend
  }
  $m.not_measured = 'what another machine sees'
}

function Measure-NetworkServiceEntry($m) {  # 3
  $file = Get-KeyFile
  $stock = [Native]::ReadSecurity($file)
  $broken = Get-SecurityWithout $stock $networkService
  $since = Get-Date
  Stop-Service rdpmend
  try {
    $m.before = Get-Probe
    [Native]::WriteSecurity($file, $broken)
    $m.without_entry = Get-Probe
    $m.after_ten_seconds = & { Start-Sleep 10; Get-Probe }
    $m.events = Get-ListenerEvents $since
    [Native]::WriteSecurity($file, $stock)
    $m.heals_without_restart_after_s = Wait-Until { (Get-Probe).exit -eq 0 } 60
    if ($m.heals_without_restart_after_s -lt 0) {
      Restart-Service SessionEnv -Force
      $m.heals_after_session_env_s = Wait-Until { (Get-Probe).exit -eq 0 } 60
    }
    [Native]::WriteSecurity($file, $broken)
    Start-Service rdpmend
    $m.diagnosis = Invoke-Json 'rdpmend.exe' 'diagnose --format json --timeout 60'
    $m.rdpmend_healed_after_s = Wait-Until { (Get-Probe).exit -eq 0 } 120
    $m.sddl_after_rdpmend = Get-Sddl $file
  } finally {
    [Native]::WriteSecurity($file, $stock)
    Start-Service rdpmend
  }
}

function Measure-SystemEntry($m) {  # 4
  $file = Get-KeyFile
  $access = [Native]::ReadControl -bor [Native]::WriteDac
  $m.before = [ordered]@{ create_file = [Native]::TryCreateFile($file, $access); nt_open_file = [Native]::TryNtOpenFile($file, $access) }
  Stop-Service rdpmend
  # Opened before: a handle keeps the rights that it was given.
  $handle = [Native]::Open($file, $access)
  if ($handle.IsInvalid) { throw 'cannot open the key file' }
  try {
    $stock = [Native]::Read($handle)
    try {
      [Native]::WriteList($handle, (Get-SecurityWithout $stock $system))
      $m.without_entry = [ordered]@{ create_file = [Native]::TryCreateFile($file, $access); nt_open_file = [Native]::TryNtOpenFile($file, $access) }
      $m.probe = Get-Probe
    } finally { [Native]::WriteList($handle, $stock) }
  } finally {
    $handle.Dispose()
    Start-Service rdpmend
  }
}

function Measure-NewCertificate($m) {  # 5
  $saved = Save-Listener
  $done = $false
  Stop-Service rdpmend
  try {
    $old = Get-Registered
    $since = Get-Date
    $m.file_before = @(Get-ChildItem -LiteralPath $machineKeys -Filter 'f686aace*' -Force | ForEach-Object { $_.Name })
    Remove-StoreCertificate $old
    Restart-Service SessionEnv -Force
    $m.registered_after_s = Wait-Until { $now = Get-Registered; $now -and $now -ne $old } 120
    $m.served_without_term_service_restart_after_s = Wait-Until { (Get-Probe).sha1 -eq (Get-Registered) } 60
    $m.old = $old
    $m.new = Get-Registered
    $m.file_after = @(Get-ChildItem -LiteralPath $machineKeys -Filter 'f686aace*' -Force | ForEach-Object { $_.Name })
    $m.sddl_after = Get-Sddl (Get-KeyFile)
    $m.events = Get-ListenerEvents $since
    $certificate = @(Get-StoreCertificates | Where-Object { $_.Thumbprint -eq $m.new })[0]
    $m.lifetime_days = ($certificate.NotAfter - $certificate.NotBefore).TotalDays
    $done = (Get-Probe).exit -eq 0
  } finally {
    if (-not $done) { Restore-Listener $saved } else { Remove-Item -LiteralPath $saved.exported }
    Start-Service rdpmend
  }
}

function Measure-FailedCreation($m) {  # 6
  $saved = Save-Listener
  $folder = [Native]::ReadSecurity($machineKeys)
  Stop-Service rdpmend
  try {
    $since = Get-Date
    # Nobody but a deny for SYSTEM is added: 0x2 is FILE_ADD_FILE.
    $descriptor = [System.Security.AccessControl.RawSecurityDescriptor]::new($folder, 0)
    $ace = [System.Security.AccessControl.CommonAce]::new('None', 'AccessDenied', 2, [System.Security.Principal.SecurityIdentifier]::new($system), $false, $null)
    $descriptor.DiscretionaryAcl.InsertAce(0, $ace)
    $denied = New-Object byte[] $descriptor.BinaryLength
    $descriptor.GetBinaryForm($denied, 0)
    [Native]::WriteSecurity($machineKeys, $denied)
    Remove-StoreCertificate (Get-Registered)
    Restart-Service SessionEnv -Force
    $m.failed_after_s = Wait-Until { @(Get-Events 'System' @(1057, 1058) $since).Count -gt 0 } 60
    $m.events = Get-ListenerEvents $since
    $m.old_key_still_there = Test-Path -LiteralPath $saved.file
    $m.old_key_unchanged = $m.old_key_still_there -and
      [System.Convert]::ToBase64String([System.IO.File]::ReadAllBytes($saved.file)) -eq [System.Convert]::ToBase64String($saved.key)
    $m.probe = Get-Probe
  } finally {
    [Native]::WriteSecurity($machineKeys, $folder)
    Restore-Listener $saved
    $m.probe_after_restore = Get-Probe
    Start-Service rdpmend
  }
}

function Measure-Renewal($m) {  # 7
  $saved = Save-Listener
  $since = Get-Date
  $watch = [System.Diagnostics.Stopwatch]::StartNew()
  Stop-Service rdpmend
  $time_ran = (Get-Service W32Time).Status -eq 'Running'
  if ($time_ran) { Stop-Service W32Time }
  try {
    $m.steps = @()
    foreach ($days in -29, -1, 1) {
      $registered = Get-Registered
      $certificate = @(Get-StoreCertificates | Where-Object { $_.Thumbprint -eq $registered })[0]
      Set-Date $certificate.NotAfter.AddDays($days) | Out-Null
      Restart-Service SessionEnv -Force
      $changed = Wait-Until { (Get-Registered) -ne $registered } 60
      # The clock as it is now: a hypervisor may have set it back meanwhile.
      $m.steps += [ordered]@{
        days_after_expiry = $days; clock = (Get-Date).ToUniversalTime().ToString('o'); changed_after_s = $changed
        before = $registered; after = Get-Registered
      }
    }
  } finally {
    Set-Date ($since + $watch.Elapsed) | Out-Null
    # What was made meanwhile may not be valid yet.
    Restore-Listener $saved
    Start-Service rdpmend
    if ($time_ran) { Start-Service W32Time }
  }
}

function Measure-EventLogRestart($m) {  # 8
  $rule = Get-NetFirewallRule -Name 'RemoteDesktop-UserMode-In-UDP'
  $enabled = $rule.Enabled
  $before = (Invoke-Json 'rdpmend.exe' 'status --format json').answer
  $m.status_before = $before
  Restart-Service EventLog -Force
  $m.pid = (Get-CimInstance Win32_Service -Filter "Name='EventLog'").ProcessId
  $began = Get-Date
  try {
    # Whatever the rule was, each change of it is an event that rdpmend's rules ask for.
    $rule | Enable-NetFirewallRule
    $rule | Disable-NetFirewallRule
    $m.seen_after_s = Wait-Until {
      $status = (Invoke-Json 'rdpmend.exe' 'status --format json').answer
      $null -ne $status -and [uint64]$status.journal_last_seq -gt [uint64]$before.journal_last_seq
    } 120
    $m.status_after = (Invoke-Json 'rdpmend.exe' 'status --format json').answer
    $m.journal = (Invoke-Program (Join-Path $Programs 'rdpmend.exe') "journal --after $($before.journal_last_seq) --format json").out
    $m.firewall_events = Get-Events 'Microsoft-Windows-Windows Firewall With Advanced Security/Firewall' @(2005, 2073, 2099) $began
  } finally {
    if ($enabled -eq 'True') { $rule | Enable-NetFirewallRule } else { $rule | Disable-NetFirewallRule }
  }
}

function Measure-Msi($m) {  # 9
  if (-not $Msi -or -not $NewerMsi) { throw 'not measured: say -Msi and -NewerMsi' }
  foreach ($package in $Msi, $NewerMsi) {
    $log = Join-Path $env:TEMP ((Split-Path -Leaf $package) + '.log')
    # Whoever has read our messages keeps the file that holds them.
    Get-WinEvent -FilterHashtable @{ LogName = 'Application'; ProviderName = 'rdpmend' } -MaxEvents 5 -ErrorAction SilentlyContinue |
      ForEach-Object { $_.Message } | Out-Null
    $holders = (Invoke-Program 'tasklist.exe' '/m rdpmendd.exe /fo csv').out
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    $ran = Invoke-Program 'msiexec.exe' "/i `"$package`" /qn /norestart /l*v `"$log`"" 600
    $m[(Split-Path -Leaf $package)] = [ordered]@{
      exit = $ran.exit; seconds = $watch.Elapsed.TotalSeconds; holders_before = $holders; log = $log
      restart_manager = @(Select-String -LiteralPath $log -Pattern 'RestartManager|Restart Manager|in use|1920|3010' | ForEach-Object { $_.Line })
      service = "$((Get-Service rdpmend).Status)"
    }
  }
}

function Get-FirewallApi {
  $result = [ordered]@{}
  try {
    $policy = New-Object -ComObject HNetCfg.FwPolicy2
    $result.local_policy_modify_state = $policy.LocalPolicyModifyState
    $result.rules_in_group = @($policy.Rules | Where-Object { $_.Grouping -eq $group } | ForEach-Object { $_.Name })
  } catch { $result.error = "$_"; $result.hresult = '0x{0:X8}' -f $_.Exception.HResult }
  $result
}

# Before the restart; afterwards a task at the start of Windows measures, and puts it right.
function Measure-FirewallService($m) {  # 10
  try { Stop-Service mpssvc -Force; $m.stop = 'was not refused'; Start-Service mpssvc } catch { $m.stop = "$_" }
  if (-not $AllowRestart) { $m.not_measured = 'the state after a restart: say -AllowRestart'; return }
  $key = 'HKLM:\SYSTEM\CurrentControlSet\Services\mpssvc'
  $start = (Get-ItemProperty $key).Start
  $file = [System.IO.Path]::ChangeExtension($Output, '.after-restart.json')
  $script = @"
`$m = [ordered]@{ service = "`$((Get-Service mpssvc).Status)" }
try { `$policy = New-Object -ComObject HNetCfg.FwPolicy2; `$m.state = `$policy.LocalPolicyModifyState } catch { `$m.hresult = '0x{0:X8}' -f `$_.Exception.HResult; `$m.error = "`$_" }
try { `$m.diagnosis = (& '$Programs\rdpmend.exe' diagnose --format json) -join "``n" } catch { `$m.diagnosis = "`$_" }
Set-ItemProperty '$key' -Name Start -Value $start
try { Start-Service mpssvc; `$m.started_again = `$true } catch { `$m.started_again = "`$_" }
`$m | ConvertTo-Json -Depth 8 | Set-Content -LiteralPath '$file' -Encoding UTF8
Unregister-ScheduledTask -TaskName rdpmend-first-hour-after-restart -Confirm:`$false
"@
  $encoded = [System.Convert]::ToBase64String([System.Text.Encoding]::Unicode.GetBytes($script))
  $action = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument "-NoProfile -NonInteractive -EncodedCommand $encoded"
  # Registered first: if that fails, nothing was disabled.
  Register-ScheduledTask -TaskName rdpmend-first-hour-after-restart -Action $action -User 'SYSTEM' -RunLevel Highest -Trigger (New-ScheduledTaskTrigger -AtStartup) | Out-Null
  Set-ItemProperty $key -Name Start -Value 4
  $m.after_restart = $file
  $script:restart = $true
}

function Measure-PolicyCopy($m) {  # 11
  $local = 'HKLM:\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules'
  $policy = 'HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall\FirewallRules'
  $name = 'RemoteDesktop-UserMode-In-TCP'
  $text = (Get-ItemProperty $local).$name
  $m.before = Get-FirewallApi
  # From the top down: what is not there yet goes again.
  $made = @('HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall', $policy | Where-Object { -not (Test-Path $_) })
  $was_there = (Test-Path $policy) -and $null -ne (Get-ItemProperty $policy -Name $name -ErrorAction SilentlyContinue)
  if ($was_there) { throw 'a Group Policy has this rule already' }
  try {
    foreach ($key in $made) { New-Item $key | Out-Null }
    New-ItemProperty $policy -Name $name -Value $text -PropertyType String | Out-Null
    $m.gpupdate = (Invoke-Program 'gpupdate.exe' '/target:computer /force' 120).exit
    Start-Sleep 5
    $m.with_copy = Get-FirewallApi
    $m.active_store = @(Get-NetFirewallRule -PolicyStore ActiveStore -Group $group | ForEach-Object { [ordered]@{ name = $_.Name; source = "$($_.PolicyStoreSourceType)"; status = "$($_.PrimaryStatus)" } })
  } finally {
    Remove-ItemProperty $policy -Name $name -ErrorAction SilentlyContinue
    [array]::Reverse($made)
    foreach ($key in $made) { if (Test-Path $key) { Remove-Item $key } }
    Invoke-Program 'gpupdate.exe' '/target:computer /force' 120 | Out-Null
  }
}

function Measure-ServiceToken($m) {  # 12
  $test = Invoke-Json 'rdpmend.exe' 'selftest --format json --timeout 60' 90
  $m.exit = $test.exit
  $m.token = @($test.answer.checks | Where-Object { $_.area -eq 'process' })
  $m.security_channel = @($test.answer.checks | Where-Object { $_.what -eq 'channel Security' })
  $m.required = (Invoke-Program 'sc.exe' 'qprivs rdpmend').out
}

# Whether UserAuthentication is followed from the next connection on, without a restart of TermService: a client that
# offers TLS alone is refused with failure 5 while NLA is demanded, and gets through while it is relaxed.
function Measure-Relaxation($m) {  # 13
  $without_nla = { Invoke-Json 'rdpmend.exe' 'probe 127.0.0.1 --request 1 --format json' 30 }
  $m.before = & $without_nla
  $m.relaxed = Invoke-Json 'rdpmend.exe' 'relax nla --for 5m --reason "first-hour.ps1" --format json'
  try {
    $m.during = & $without_nla
    Start-Sleep -Seconds 30
    $m.after_30_s = & $without_nla
  } finally {
    $m.returned = Invoke-Json 'rdpmend.exe' 'return nla --format json'
  }
  $m.after = & $without_nla
}

# --- carrying them out ---

$measures = [ordered]@{
  '1' = 'Measure-Access'; '2' = 'Measure-OwnAddress'; '3' = 'Measure-NetworkServiceEntry'; '4' = 'Measure-SystemEntry'
  '5' = 'Measure-NewCertificate'; '6' = 'Measure-FailedCreation'; '7' = 'Measure-Renewal'; '8' = 'Measure-EventLogRestart'
  '9' = 'Measure-Msi'; '10' = 'Measure-FirewallService'; '11' = 'Measure-PolicyCopy'; '12' = 'Measure-ServiceToken'
  '13' = 'Measure-Relaxation'
}
$script:restart = $false

function Save-Report($Report) {
  [System.IO.File]::WriteAllText($Output, ($Report | ConvertTo-Json -Depth 12))
}

function Invoke-Points {
  $windows = Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
  $report = [ordered]@{
    product = $windows.ProductName; build = $windows.CurrentBuildNumber; revision = $windows.UBR
    rdpmend = (Invoke-Program (Join-Path $Programs 'rdpmendd.exe') '--version').out.Trim(); points = @()
  }
  foreach ($number in $Points) {
    $measured = [ordered]@{}
    $point = [ordered]@{ point = $number; measured = $measured; error = '' }
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    # Also what could not be put back is an error, and the next points are measured all the same.
    try { & $measures["$number"] $measured } catch { $point.error = "$_ $($_.ScriptStackTrace)" }
    $point.seconds = [math]::Round($watch.Elapsed.TotalSeconds, 1)
    $report.points += $point
    Save-Report $report
    Write-Host "point ${number}: $(if ($point.error) { $point.error } else { 'measured' })"
  }
}

# This file once more, as SYSTEM.
function Invoke-AsSystem([int]$Minutes) {
  $task = 'rdpmend-first-hour'
  $arguments = "-NoProfile -NonInteractive -ExecutionPolicy Bypass -Command `"& '$PSCommandPath' -ThrowAwayHost -AsSystem -Points $($Points -join ',') -Output '$Output' -Programs '$Programs' -Msi '$Msi' -NewerMsi '$NewerMsi'$(if ($AllowRestart) { ' -AllowRestart' })`""
  $action = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument $arguments
  $settings = New-ScheduledTaskSettingsSet -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -ExecutionTimeLimit (New-TimeSpan -Minutes $Minutes)
  Register-ScheduledTask -TaskName $task -Action $action -Settings $settings -User 'SYSTEM' -RunLevel Highest -Force | Out-Null
  try {
    Start-ScheduledTask -TaskName $task
    # SCHED_S_TASK_RUNNING, _HAS_NOT_RUN and _QUEUED:
    # https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-error-and-success-constants
    $ended = Wait-Until { (Get-ScheduledTaskInfo -TaskName $task).LastTaskResult -notin 0x41301, 0x41303, 0x41325 } ($Minutes * 60)
    if ($ended -lt 0) {
      Stop-ScheduledTask -TaskName $task
      throw "the points did not end within $Minutes minutes; what was changed may not have been put back"
    }
  } finally { Unregister-ScheduledTask -TaskName $task -Confirm:$false }
}

if ($AsSystem) {
  Invoke-Points
  if ($script:restart) { Restart-Computer -Force }
  return
}
# PowerShell's folder is not the process's.
$Output = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Output)
if ($Msi) { $Msi = (Resolve-Path -LiteralPath $Msi).ProviderPath }
if ($NewerMsi) { $NewerMsi = (Resolve-Path -LiteralPath $NewerMsi).ProviderPath }
Remove-Item -LiteralPath $Output -ErrorAction SilentlyContinue
$administrator = [ordered]@{}
if ($Points -contains 1) {
  try { Measure-Access $administrator } catch { $administrator.error = "$_" }
}
Invoke-AsSystem 60
if (-not (Test-Path -LiteralPath $Output)) { throw 'the task ended without a report' }
$report = [System.IO.File]::ReadAllText($Output) | ConvertFrom-Json
$report | Add-Member -NotePropertyName point_1_as_administrator -NotePropertyValue $administrator
Save-Report $report
Write-Host "measured: $Output"

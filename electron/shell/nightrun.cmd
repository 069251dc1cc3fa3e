@"%~dp0Nightrun.exe" -- %*

"""Android devices and Linux boards over the Android Debug Bridge (ADB), by TCP or USB."""

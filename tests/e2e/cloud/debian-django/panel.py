ANGULAR_FEATURES = {'images_panel': False}
